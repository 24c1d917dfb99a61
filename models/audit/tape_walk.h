// Who can reach whom on a tape, and where something really passes.
//
// An edge of the tape says that an op read a value, not that the value mattered: a concat that is sliced again, a mask
// or a weight of zero keep it out. So a node is said to carry x into a code where an element of its value changes with
// x (two recordings differ there) and the code has a derivative by that same element. What has no derivative (indices,
// masks, detached values) enters as a constant that was computed beside the tape; it carries x where it changes with x.
#pragma once

#include <vector>

#include "core/tape.h"

namespace triptych {

// For every node, whether a path of edges leads from it to the output.
std::vector<bool> ancestors(const Tape& tape, const Var& output);

// dL/dnode of every node, for L = sum of upstream * output: what Tape::gradients passes on its way. Null where the
// output does not depend on a node, or the node wants no gradient.
std::vector<Tensor> adjoints(const Tape& tape, const Var& output, const Tensor& upstream);

// Both recordings consist of the same ops on the same inputs, with results of the same shapes.
bool same_form(const Tape& a, const Tape& b);

// An element of node id differs; the recordings have the same form.
bool changed(const Tape& a, const Tape& b, int id);

// The shortest way from a source to the output through nodes that carry the change between two recordings of one form,
// the source first; gradients are those of `tape`. Where no source is reached so, the way begins at a
// constant that changed. Empty: nothing carries it. Only leaves count as sources.
std::vector<int> carrying_path(const Tape& tape, const Tape& other, const Var& output, const std::vector<bool>& source);

}  // namespace triptych
