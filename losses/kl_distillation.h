#pragma once

#include "core/op_info.h"

namespace triptych {

// How far the student's class probabilities are from the teacher's, both softened by a temperature: logits (n, c) each
// -> (). T^2 times the mean over rows of KL(teacher || student); T^2 keeps gradients of one size for any T. The teacher
// counts as a constant. Throws Error(input) on other shapes or temperature <= 0.
// Hinton, Vinyals, Dean 2015, arXiv 1503.02531, section 2.
Var kl_distillation(const Var& student, const Var& teacher, double temperature = 1);

const OpInfo& kl_distillation_info();

}  // namespace triptych
