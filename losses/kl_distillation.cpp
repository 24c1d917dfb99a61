#include "losses/kl_distillation.h"

#include "backends/mutant.h"
#include "core/require.h"
#include "losses/shapes.h"

namespace triptych {
namespace {

constexpr std::string_view formula = R"(
kl_distillation: student (n, c), teacher (n, c), constant  ->  value ()

  forward   p = softmax(teacher / T),  q = softmax(student / T);   L = T^2 (1/n) sum_i sum_c p_ic (ln p_ic - ln q_ic)
  backward  dstudent = T (q - p) / n                                      sums to 0 over the classes of a row
  saves     q - p
  stable    with  x = student / T,  y = teacher / T  and  h(z) = logsumexp(z) - z_0,  the cross-entropy of class 0,
            a row is  sum_c p_c ((y - x)_c - (y - x)_0) + h(x) - h(y):   no logarithm of a probability, so p = 0 costs
            nothing and q = 0 is not infinite
  source    Hinton, Vinyals, Dean 2015, arXiv 1503.02531, section 2
)";

}  // namespace

Var kl_distillation(const Var& student, const Var& teacher, double temperature) {
  require_codes("kl_distillation", "student", student, 1);
  require(teacher.shape() == student.shape(), "kl_distillation", "teacher", teacher, "of the shape of student",
          "student", student);
  require(temperature > 0, "kl_distillation", "temperature", temperature, "> 0");
  const Kernels& k = student.kernels();
  const Shape& shape = student.shape();
  const DType dtype = student.dtype();
  const std::int64_t n = shape[0], c = shape[1];
  const Tensor class_0 = Tensor::zeros({n}, DType::i32);

  // Probabilities of logits / T, and the sum over rows of h.
  const auto soften = [&](const Tensor& logits, Tensor& scaled, Tensor& probs) {
    scaled = Tensor(shape, dtype), probs = Tensor(shape, dtype);
    Tensor h({n}, dtype);
    k.axpby(1 / temperature, logits.view(), 0, scaled.view(), n * c);
    k.cross_entropy(scaled.view(), class_0.view(), probs.view(), h.view(), n, c);
    return k.sum(h.view(), n);
  };
  Tensor x, y, p, q;
  const double h_student = soften(student.value(), x, q), h_teacher = soften(teacher.value(), y, p);
  k.binary(Binary::sub, y.view(), x.view(), y.view(), n * c, n * c);  // y - x, less its column 0 in every row
  Tensor first({n, 1}, dtype);
  k.copy_block(y.view(), 0, c, first.view(), 0, 1, n, 1);
  const Tensor ones = Tensor::full({1, c}, dtype, 1);
  k.gemm({.m = n, .n = c, .k = 1, .alpha = -1, .beta = 1}, first.view(), ones.view(), y.view());
  const double total = k.dot(p.view(), y.view(), n * c) + h_student - h_teacher;

  k.axpby(TRIPTYCH_TERM("kl_distillation.teacher", -1.0), p.view(), 1, q.view(), n * c);
  const auto rows = static_cast<double>(n);
  return record("kl_distillation", Tensor::scalar(temperature * temperature * total / rows, dtype), {student},
                [&k, difference = q, scale = temperature / rows](const Tensor& dy) -> Grads {
                  Tensor dx(difference.shape(), difference.dtype());
                  k.axpby(scale * dy.item(), difference.view(), 0, dx.view(), dx.size());
                  return {dx};
                });
}

const OpInfo& kl_distillation_info() {
  static const OpInfo info{
      .name = "kl_distillation",
      .formula = formula,
      .inputs = {{"student", "(n, c)"}, {"teacher", "(n, c)", Kind::constant}},
      .params = {{"temperature", 1.0, "logits of both are divided by it"}},
      .samples = {{"plain", {normal(4, 3), normal(4, 3)}},
                  {"soft", {3 * normal(3, 5), 3 * normal(3, 5)}, {{"temperature", 2.5}}},
                  {"offset", {10 + normal(2, 3), -5 + normal(2, 3)}, {{"temperature", 0.7}}}},
      .errors = {{{"classes", {normal(3, 2), normal(3, 4)}},
                  "[kl_distillation] teacher (3, 4) must be of the shape of student, got student (3, 2)"},
                 {{"temperature", {normal(3, 2), normal(3, 2)}, {{"temperature", 0.0}}},
                  "[kl_distillation] temperature = 0 must be > 0"}},
      .apply = [](const Call& c) -> Outputs { return {kl_distillation(c[0], c[1], c.number("temperature"))}; }};
  return info;
}

}  // namespace triptych
