// Scheme: how private and shared codes are made of encoded modalities. One folder per scheme; schemes.cpp lists them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "models/context.h"
#include "models/encoders/encoder.h"
#include "models/factors.h"
#include "models/layers/linear.h"

namespace triptych {

// The widths that a scheme is built for, one entry per modality.
struct EncodedWidths {
  std::string name;  // of the modality
  std::int64_t h = 0, surface = 0;
  bool same = false;  // surface and h are the same tokens
};

// What the caller needs beside the pooled codes.
struct Wanted {
  bool joint = true;
  bool tokens = false;        // private and shared codes before pooling
  bool joint_tokens = false;  // the same of the joint code
  bool maps = false;          // attention maps; those that show leakage come unasked
};

class Scheme {
 public:
  virtual ~Scheme() = default;

  // One Encoded per modality. A modality whose mask row is all zero is missing from that sample; one with an absent h.x
  // is missing from all of them and has no codes. gate = g(p) in [0,1] opens the bridge; at 0 no private code depends
  // on another modality, and shared parameters get no gradient through it.
  virtual Factors factors(Context& c, std::span<const Encoded> encoded, double gate, const Wanted& wanted) const = 0;

  virtual std::int64_t private_width() const = 0;
  virtual std::int64_t shared_width() const = 0;

  // decode([private; shared]) of every token of modality m, for a scheme that has both codes at every token of h =
  // surface: (B,L,h) -> (B,L,out). Absent otherwise.
  virtual Var decode_tokens(const Context&, std::size_t /*m*/, const Var& /*h*/, const Linear& /*decode*/) const {
    return {};
  }
};

// 1 where a sample has at least one real token of the modality: mask (B,L) -> (B), constant. Absent for an absent mask.
Var present(const Var& mask);

// 1 where both are: masks (B), constant; absent: everywhere.
Var both(const Var& a, const Var& b);

// Mean of the shared codes over the modalities that each sample has (a modality without a code counts for nobody).
Var mean_of_present(const Vars& shared_codes, std::span<const Encoded> encoded);

}  // namespace triptych
