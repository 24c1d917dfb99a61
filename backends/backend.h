// The kernel table: what a device must provide. Plain buffers in, plain buffers out; no Tensor, no tape.
//
// Every buffer is contiguous, row-major and 64-byte aligned at its start. `View` says where it is and what it holds;
// sizes are given beside it, so a kernel never guesses. All floating buffers of one call have one dtype; indices are
// int32. The meaning of every entry is its naive loop in reference/; cpu/ overrides what pays; a CUDA backend fills the
// same table. Entries marked (optional) may be null: the op that uses them then takes its composed form.
//
// Determinism: an entry returns the same bits for any number of threads. Sums are taken over fixed tiles and combined
// in index order.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace triptych {

enum class DType : std::uint8_t { f32, f64, i32 };

constexpr std::int64_t size_of(DType t) { return t == DType::f64 ? 8 : 4; }
constexpr std::string_view name_of(DType t) {
  return t == DType::f32 ? "float32" : t == DType::f64 ? "float64" : "int32";
}

// A typed pointer. Null `data` stands for an absent optional argument (no mask, no bias).
struct View {
  void* data = nullptr;
  DType dtype = DType::f32;

  explicit operator bool() const { return data != nullptr; }
  template <class T>
  T* as() const {
    return static_cast<T*>(data);
  }
};

// C (m,n) = alpha * op(A) op(B) + beta * C, for `batch` matrices whose starts are `stride_*` elements apart.
// op(A) is (m,k): A is stored (m,k), or (k,m) when trans_a. op(B) is (k,n): B is stored (k,n), or (n,k) when trans_b.
// Stored rows are ld* elements apart; 0 means that they follow each other without a gap.
struct Gemm {
  bool trans_a = false, trans_b = false;
  std::int64_t m = 0, n = 0, k = 0;
  double alpha = 1, beta = 0;
  std::int64_t batch = 1, stride_a = 0, stride_b = 0, stride_c = 0;
  std::int64_t lda = 0, ldb = 0, ldc = 0;
};

// Multi-head attention on projected tokens: q (B,Lq,d), k and v (B,Lk,d), d = heads * head width; mask (B,Lk), 1 = real
// token.
struct AttentionSizes {
  std::int64_t batch = 0, queries = 0, keys = 0, width = 0, heads = 1;
};

// Tokens read by queries of their own width, weighted: q (B,queries,width), or (queries,width) when they are the same
// for the whole batch; x (B,tokens,width); weight (B,tokens), at least 0, or absent.
struct AttendSizes {
  std::int64_t batch = 0, queries = 0, tokens = 0, width = 0;
  bool same_queries = false;
};

// Softmax over slots, then a mean over tokens: `outer` matrices (slots,tokens). One permission matrix serves
// outer_per_permission of them in a row.
struct CompetitionSizes {
  std::int64_t outer = 0, slots = 0, tokens = 0, outer_per_permission = 1;
  double eps = 1e-8;
};

// Position-wise feed-forward network, x (rows,in) -> gelu(x W1^T + b1) W2^T + b2, W1 (hidden,in), W2 (out,hidden).
struct FeedForwardSizes {
  std::int64_t rows = 0, in = 0, hidden = 0, out = 0;
};

// The first layer of feed-forward experts on rows sorted by expert: rows [start[e], start[e+1]) of x (rows,in) go to
// expert e, with W1 (experts,hidden,in). Row r counts for bag[r] (a sample of the batch) with weight gate[r].
struct ExpertSizes {
  std::int64_t experts = 0, rows = 0, in = 0, hidden = 0, bags = 0;
};

// 2-d convolution, channels last: x (batch,height,width,channels), square kernel, zero padding; a patch embedding is
// one with kernel > stride. Output (batch, rows(), cols(), out): y at (r,c) reads x at (r stride - pad + ky, c stride -
// pad
// + kx). Weight (out, kernel kernel channels), its columns in the order (ky, kx, channel).
struct Conv2dSizes {
  std::int64_t batch = 0, height = 0, width = 0, channels = 0, out = 0, kernel = 1, stride = 1, pad = 0;
  std::int64_t rows() const { return (height + 2 * pad - kernel) / stride + 1; }
  std::int64_t cols() const { return (width + 2 * pad - kernel) / stride + 1; }
  std::int64_t patch() const { return kernel * kernel * channels; }
};

// One step of Adam, with weight decay decoupled (AdamW) or added to the gradient (l2): optim/adam.h has the formula.
// step counts from 1; grad_scale multiplies the gradient first (global-norm clipping).
struct AdamStep {
  double lr = 0, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0, l2 = 0, grad_scale = 1;
  std::int64_t step = 1;
};
// One step of SGD: optim/sgd.h. A null m: no momentum.
struct SgdStep {
  double lr = 0, momentum = 0;
  bool nesterov = false;
  double l2 = 0, grad_scale = 1;
};

enum class Unary : std::uint8_t { exp, sqrt, square, relu, gelu, sigmoid, tanh };
enum class Binary : std::uint8_t { add, sub, mul };

struct Kernels {
  std::string_view name;

  // --- memory -------------------------------------------------------------------------------------------------------
  void (*fill)(View y, std::int64_t n, double value);
  void (*copy)(View x, View y, std::int64_t n);

  // --- elementwise --------------------------------------------------------------------------------------------------
  // y[i] = a[i] op b[i % period]: b repeats over leading axes; period = 1 broadcasts a scalar.
  void (*binary)(Binary op, View a, View b, View y, std::int64_t n, std::int64_t period);
  // y = alpha * x + beta * y (beta = 0 ignores what y held).
  void (*axpby)(double alpha, View x, double beta, View y, std::int64_t n);
  void (*unary)(Unary op, View x, View y, std::int64_t n);
  // dx = dy * f'(x), written from x and y = f(x).
  void (*unary_backward)(Unary op, View x, View y, View dy, View dx, std::int64_t n);

  // --- sums ---------------------------------------------------------------------------------------------------------
  double (*sum)(View x, std::int64_t n);                                   // sum_i x_i, in double
  double (*dot)(View a, View b, std::int64_t n);                           // sum_i a_i b_i, in double
  void (*sum_rows)(View x, View y, std::int64_t rows, std::int64_t cols);  // y (cols) = sum over rows of x (rows,cols)

  // --- sets of vectors: row i (n) is at rows[i], all in one dtype; a null row is zero --------------------------------
  void (*products)(const View* rows, std::int64_t m, std::int64_t n, double* g);  // g_ij = row_i . row_j, in double
  void (*combine)(const View* rows, const double* w, std::int64_t m, View y, std::int64_t n);  // y = sum_i w_i row_i

  // --- products -----------------------------------------------------------------------------------------------------
  void (*gemm)(const Gemm& g, View a, View b, View c);
  void (*add_bias)(View bias, View y, std::int64_t rows, std::int64_t cols);  // y += bias, each row

  // y (batch,rows,cols,out) = conv(x, w) + b. Backward: dx may be absent.
  void (*conv2d)(const Conv2dSizes& s, View x, View w, View b, View y);
  void (*conv2d_backward)(const Conv2dSizes& s, View dy, View x, View w, View dx, View dw, View db);

  // --- layout -------------------------------------------------------------------------------------------------------
  // Copies a (rows,width) block between buffers whose rows are *_stride elements apart (concatenation, slices).
  void (*copy_block)(View x, std::int64_t x_offset, std::int64_t x_stride, View y, std::int64_t y_offset,
                     std::int64_t y_stride, std::int64_t rows, std::int64_t width);
  void (*transpose)(View x, View y, std::int64_t batch, std::int64_t rows,
                    std::int64_t cols);  // (batch,rows,cols) -> (batch,cols,rows)
  // y[i] = x[index[i]], rows of `width`; index < 0 gives a zero row. Backward adds dy[i] into dx[index[i]], in order of
  // i.
  void (*gather)(View x, View index, View y, std::int64_t count, std::int64_t width);
  void (*gather_backward)(View dy, View index, View dx, std::int64_t count, std::int64_t rows, std::int64_t width);
  // y[b] = mean over i in [offset[b], offset[b+1]) of table[index[i]]; an empty bag is zero.
  void (*embedding_bag)(View table, View index, View offset, View y, std::int64_t bags, std::int64_t width);
  void (*embedding_bag_backward)(View dy, View index, View offset, View dtable, std::int64_t bags, std::int64_t rows,
                                 std::int64_t width);

  // y[r] = x[r] * s[r], rows of `cols`.
  void (*scale_rows)(View x, View s, View y, std::int64_t rows, std::int64_t cols);

  // --- rows ---------------------------------------------------------------------------------------------------------
  // layer_norm: stats (rows,3) receives the mean, what rounding took from it, 1/sqrt(var + eps).
  void (*layer_norm)(View x, View gamma, View beta, View y, View stats, std::int64_t rows, std::int64_t cols,
                     double eps);
  void (*layer_norm_backward)(View dy, View x, View gamma, View stats, View dx, View dgamma, View dbeta,
                              std::int64_t rows, std::int64_t cols);
  // softmax over the last axis; mask (rows / rows_per_mask, cols) or absent; a row with no real entry is all zero.
  void (*softmax)(View x, View mask, View y, std::int64_t rows, std::int64_t cols, std::int64_t rows_per_mask);
  void (*softmax_backward)(View y, View dy, View dx, std::int64_t rows, std::int64_t cols);
  // y = x - log(sum of e^x over the row).
  void (*log_softmax)(View x, View y, std::int64_t rows, std::int64_t cols);
  void (*log_softmax_backward)(View y, View dy, View dx, std::int64_t rows, std::int64_t cols);
  // y = x / max(|x|, eps) row by row; norms (rows) receives |x|. Where |x| <= eps the gradient is zero.
  void (*row_normalise)(View x, View y, View norms, std::int64_t rows, std::int64_t cols, double eps);
  void (*row_normalise_backward)(View y, View norms, View dy, View dx, std::int64_t rows, std::int64_t cols,
                                 double eps);
  // mean over tokens whose mask is 1: x (batch,tokens,width), mask (batch,tokens) or absent -> y (batch,width); none:
  // zero.
  void (*masked_mean)(View x, View mask, View y, std::int64_t batch, std::int64_t tokens, std::int64_t width);
  void (*masked_mean_backward)(View dy, View mask, View dx, std::int64_t batch, std::int64_t tokens,
                               std::int64_t width);
  // per-row negative log softmax at target: probs (rows,cols) is saved for the backward; losses (rows).
  void (*cross_entropy)(View logits, View target, View probs, View losses, std::int64_t rows, std::int64_t cols);
  void (*cross_entropy_backward)(View probs, View target, View dlosses, View dx, std::int64_t rows, std::int64_t cols);

  // --- fused (optional) ---------------------------------------------------------------------------------------------
  // probs (B,heads,Lq,Lk) receives the attention maps; they are what the backward needs.
  void (*attention)(const AttentionSizes& s, View q, View k, View v, View mask, View y, View probs);
  void (*attention_backward)(const AttentionSizes& s, View dy, View q, View k, View v, View probs, View dq, View dk,
                             View dv);
  // probs (B,queries,tokens) receives the attention maps. dq and dx may be absent.
  void (*attend)(const AttendSizes& s, View q, View x, View weight, View y, View probs);
  void (*attend_backward)(const AttendSizes& s, View dy, View q, View x, View probs, View dq, View dx);
  // The gates of a GRU cell from the products gx and gh (rows,3 width), in the order r, z, n; h and y (rows,width).
  // gates (rows,3 width) receives r, z and n.
  void (*gru_gates)(View gx, View gh, View h, View y, View gates, std::int64_t rows, std::int64_t width);
  void (*gru_gates_backward)(View dy, View gh, View h, View gates, View dgx, View dgh, View dh, std::int64_t rows,
                             std::int64_t width);
  // share receives the softmax over slots, w its rows divided by (their sum + eps). permission may be absent.
  void (*slot_competition)(const CompetitionSizes& s, View logits, View permission, View w, View share);
  void (*slot_competition_backward)(const CompetitionSizes& s, View dw, View w, View share, View dlogits);
  // pre (rows,hidden) receives x W1^T + b1, the only saved activation. dx may be absent.
  void (*feed_forward)(const FeedForwardSizes& s, View x, View w1, View b1, View w2, View b2, View y, View pre);
  void (*feed_forward_backward)(const FeedForwardSizes& s, View dy, View x, View w1, View w2, View pre, View dx,
                                View dw1, View db1, View dw2, View db2);
  // pooled (experts,bags,hidden) = sum over the rows r of expert e in bag b of gate_r gelu(x_r W1_e^T + b1_e); pre
  // (rows,hidden) receives the input of the gelu. start (experts+1) and bag (rows) are int32. dx may be absent.
  void (*expert_pool)(const ExpertSizes& s, View x, View start, View bag, View gate, View w1, View b1, View pooled,
                      View pre);
  void (*expert_pool_backward)(const ExpertSizes& s, View dpooled, View x, View start, View bag, View gate, View w1,
                               View pre, View dx, View dgate, View dw1, View db1);

  // --- optimizer ----------------------------------------------------------------------------------------------------
  void (*adam)(const AdamStep& s, View param, View grad, View m, View v, std::int64_t n);
  void (*sgd)(const SgdStep& s, View param, View grad, View m, std::int64_t n);
};

const Kernels& reference_kernels();
const Kernels& cpu_kernels();
// The CUDA table, or null in a build without it or on a machine without a device.
const Kernels* cuda_kernels();

// What multiplies the float32 matrices of the cpu backend, with its version: "oneDNN 2.6.0", "Eigen 3.4.0".
std::string cpu_library();

// Threads used by the cpu backend; results do not depend on it.
void set_threads(int n);
int threads();

}  // namespace triptych
