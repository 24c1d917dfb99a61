#include "app/generation.h"

#include <algorithm>
#include <numeric>

#include "app/drawing_statistics.h"
#include "app/evaluation_codes.h"
#include "app/evaluation_parts.h"
#include "core/error.h"
#include "core/gather_rows.h"
#include "metrics/logistic_probe.h"
#include "models/generation/generated_tokens.h"

namespace triptych::app {
namespace {

using Mode = GenerateRequest::Mode;

constexpr std::int64_t most_rows = 64;      // at once
constexpr std::int64_t most_fitted = 2000;  // training pictures of a view
constexpr int worn_copies = 4;              // of every picture that the probe is fitted on

std::vector<const Block*> blocks_of(const std::vector<Block>& all, std::size_t modality) {
  std::vector<const Block*> found;
  for (const Block& b : all)
    if (b.modality == modality) found.push_back(&b);
  return found;
}

std::vector<const Block*> first_of_others(const std::vector<Block>& all, std::size_t modality, std::size_t modalities) {
  std::vector<const Block*> found;
  for (std::size_t m = 0; m < modalities; ++m)
    if (const auto of = blocks_of(all, m); m != modality && !of.empty()) found.push_back(of.front());
  return found;
}

// The k-th noise of the flow. Row i is a function of (seed, which[i], k) alone.
Tensor noise_rows(std::uint64_t seed, std::span<const std::int32_t> which, int k, const TokenGrid& grid) {
  const std::int64_t n = std::ssize(which);
  Tensor noise({n, grid.tokens, grid.width}, DType::f32);
  const std::int64_t row = grid.tokens * grid.width;
  for (std::int64_t i = 0; i < n; ++i) {
    Rng rng(seed,
            static_cast<std::uint64_t>(which[static_cast<std::size_t>(i)]) + (static_cast<std::uint64_t>(k) << 32));
    for (std::int64_t j = 0; j < row; ++j) noise.data<float>()[i * row + j] = static_cast<float>(rng.normal());
  }
  return noise;
}

// Rows `which` of the held-out items.
Tensor sample(const Model& model, const GenerateRequest& r, std::span<const std::int32_t> which, const TokenGrid& grid,
              const Tensor& shared, const Tensor& private_code, const Tensor& mask) {
  const std::int64_t n = std::ssize(which);
  Tensor made({n, grid.tokens, grid.width}, DType::f32);
  for (std::int64_t from = 0; from < n; from += most_rows) {
    std::vector<std::int32_t> rows(static_cast<std::size_t>(std::min(most_rows, n - from)));
    std::iota(rows.begin(), rows.end(), static_cast<std::int32_t>(from));
    Tensor part[3];
    gather_rows(shared, rows, part[0]);
    gather_rows(private_code, rows, part[1]);
    if (mask) gather_rows(mask, rows, part[2]);
    const auto of = which.subspan(static_cast<std::size_t>(from), rows.size());
    const Tensor piece = model.generate(
        r.modality, [&](int k) { return noise_rows(r.seed, of, k, grid); }, part[0], part[1], part[2], r.how);
    std::copy_n(piece.data<float>(), piece.size(), made.data<float>() + from * (made.size() / n));
  }
  return made;
}

// Of all entries of real tokens, about the mean of their feature or channel.
double r2(const Generated& g) {
  double error = 0, spread = 0;
  const std::int64_t width = g.real[0].shape()[2];
  for (std::int64_t j = 0; j < width; ++j) {
    double sum = 0, squares = 0, n = 0;
    const double first = g.real[0].at(j);  // a large common offset would cost digits
    for (std::size_t v = 0; v < g.real.size(); ++v)
      for (std::int64_t i = j; i < g.real[v].size(); i += width) {
        if (g.mask[v] && g.mask[v].at(i / width) == 0) continue;
        const double x = g.real[v].at(i), d = g.made[v].at(i) - x;
        error += d * d, sum += x - first, squares += (x - first) * (x - first), ++n;
      }
    if (n > 0) spread += squares - sum * sum / n;
  }
  return spread > 0 ? 1 - error / spread : 0;
}

// The mean of the other modalities' shared codes, each of its first view.
Tensor mean_of_others(const std::vector<CodedBlock>& coded, std::size_t modality, std::size_t modalities) {
  Tensor sum;
  double count = 0;
  for (std::size_t m = 0; m < modalities; ++m) {
    const auto first = std::find_if(coded.begin(), coded.end(), [&](const CodedBlock& c) { return c.modality == m; });
    if (m == modality || first == coded.end()) continue;
    if (!sum) sum = Tensor::zeros(first->shared_code.shape(), DType::f32);
    for (std::int64_t i = 0; i < sum.size(); ++i) sum.set(i, sum.at(i) + first->shared_code.at(i));
    ++count;
  }
  for (std::int64_t i = 0; i < sum.size(); ++i) sum.set(i, sum.at(i) / count);
  return sum;
}

// Every factor with classes that is constant within each view. made: rows `which` of the held-out items in each view.
std::vector<FactorRead> read_factors(const ModalitySpec& spec, const std::vector<Block>& training,
                                     const std::vector<Block>& held_out, const GenerateRequest& r,
                                     std::span<const std::int32_t> which, const std::vector<Tensor>& made) {
  std::vector<FactorRead> read;
  const auto train = blocks_of(training, r.modality), test = blocks_of(held_out, r.modality);
  if (spec.kind != ModalityKind::image || train.size() < 2) return read;
  std::vector<Tensor> drawn[2];  // worn training pictures; held-out ones, then generated ones
  std::vector<std::int32_t> fitted;
  for (std::int64_t i = 0, all = std::ssize(train[0]->item), n = std::min(all, most_fitted); i < n; ++i)
    fitted.push_back(static_cast<std::int32_t>((2 * i + 1) * all / (2 * n)));
  for (std::size_t v = 0; v < train.size(); ++v) {
    Rng rng(1, v);
    Tensor pictures;
    gather_rows(train[v]->values.values, fitted, pictures);
    for (int k = 0; k < worn_copies; ++k) drawn[0].push_back(drawing_statistics(worn(pictures, rng)));
    drawn[1].push_back(drawing_statistics(test[v]->values.values));
  }
  for (const Tensor& m : made) drawn[1].push_back(drawing_statistics(pictures_of(spec, m)));
  const Tensor from = stacked(drawn[0]), to = stacked(drawn[1]);
  drawn[0].clear();
  for (std::size_t f = 0; f < test[0]->factors.size(); ++f) {
    if (test[0]->factors[f].holder != Factor::Holder::own || test[0]->factors[f].labels.empty()) continue;
    std::vector<std::int32_t> labels[3];
    for (std::size_t v = 0; v < train.size(); ++v) {
      for (int k = 0; k < worn_copies; ++k)
        for (const std::int32_t i : fitted)
          labels[0].push_back(train[v]->factors[f].labels[static_cast<std::size_t>(i)]);
      labels[1].insert(labels[1].end(), test[v]->factors[f].labels.begin(), test[v]->factors[f].labels.end());
      for (const std::int32_t i : which) labels[2].push_back(test[v]->factors[f].labels[static_cast<std::size_t>(i)]);
    }
    const std::size_t real = labels[1].size();
    labels[1].insert(labels[1].end(), labels[2].begin(), labels[2].end());
    const metrics::ProbeScore score = metrics::logistic_probe(from, labels[0], to, labels[1]);
    const auto right = [&](std::size_t begin, std::size_t end) {
      return std::accumulate(score.right.begin() + static_cast<std::ptrdiff_t>(begin),
                             score.right.begin() + static_cast<std::ptrdiff_t>(end), 0.0) /
             static_cast<double>(end - begin);
    };
    read.push_back(
        {test[0]->factors[f].name, right(real, labels[1].size()), right(0, real), score.chance, std::ssize(labels[2])});
  }
  return read;
}

}  // namespace

Generated generate(const Model& model, const DataSource& data, const GenerateRequest& r) {
  const std::vector<ModalitySpec>& specs = model.config().modalities;
  const std::vector<Block> held_out = data.test_items() > 1 ? complete(data.blocks(true)) : std::vector<Block>{};
  const auto own = blocks_of(held_out, r.modality);
  if (own.empty() || own[0]->item.size() < 2)
    throw Error(Exit::input, "generate.items", "fewer than two held-out items: nothing to swap or to compare with");
  const auto others = first_of_others(held_out, r.modality, specs.size());
  if (r.mode == Mode::cross && others.empty())
    throw Error(Exit::usage, "generate.cross", "--mode cross: there is no other modality to read the joint code from");

  const ModalitySpec& spec = specs[r.modality];
  const auto all = std::ssize(own[0]->item), n = r.items > 0 ? std::clamp<std::int64_t>(r.items, 2, all) : all;
  Generated g;
  std::vector<std::int32_t> which;  // rows of the held-out items
  for (std::int64_t i = 0; i < n; ++i) {
    which.push_back(static_cast<std::int32_t>((2 * i + 1) * all / (2 * n)));
    g.items.push_back(own[0]->item[static_cast<std::size_t>(which.back())]);
  }
  g.donor.resize(which.size());
  std::iota(g.donor.begin(), g.donor.end(), 0);
  if (r.mode != Mode::reconstruct) std::rotate(g.donor.begin(), g.donor.begin() + 1, g.donor.end());

  const std::size_t views = own.size();
  const std::vector<CodedBlock> coded = encode(model, held_out);
  std::vector<Tensor> shared(views), private_code;
  for (std::size_t v = 0; v < views; ++v) {
    std::vector<const Block*> read = others;
    if (r.mode != Mode::cross) read.push_back(own[v]);
    shared[v] =
        views == 1 && !others.empty() ? mean_of_others(coded, r.modality, specs.size()) : encode_joint(model, read);
  }
  for (const CodedBlock& c : coded)
    if (c.modality == r.modality) private_code.push_back(c.private_code);

  std::vector<std::int32_t> donors;  // rows of the held-out items
  for (const std::int32_t d : g.donor) donors.push_back(which[static_cast<std::size_t>(d)]);
  for (std::size_t v = 0; v < views; ++v) {
    g.views.push_back(own[v]->view);
    g.joint_of.push_back(r.mode == Mode::swap ? (v + 1) % views : v);
    g.real.push_back(generated_tokens(spec, own[v]->values, which));
    g.mask.emplace_back();
    if (own[v]->values.mask) gather_rows(own[v]->values.mask, which, g.mask[v]);
    Tensor kept, donated;
    gather_rows(shared[g.joint_of[v]], which, kept);
    gather_rows(private_code[v], donors, donated);
    g.made.push_back(sample(model, r, which, token_grid(spec), kept, donated, g.mask[v]));
  }
  if (r.mode == Mode::reconstruct) g.r2 = r2(g);
  if (data.train_items() > 0) g.factors = read_factors(spec, data.blocks(false), held_out, r, which, g.made);
  return g;
}

PictureGrid picture_grid(const ModalitySpec& spec, const Generated& made, Mode mode, std::int64_t items) {
  constexpr std::int64_t zoom = 2, gap = 4, wide_gap = 16;
  const std::int64_t n = std::min<std::int64_t>(items, std::ssize(made.items)), views = std::ssize(made.views);
  const std::int64_t lead = mode == Mode::reconstruct ? 0 : 1;
  const std::int64_t w = spec.breadth * zoom, h = spec.height * zoom;
  PictureGrid grid;
  grid.width =
      static_cast<std::uint32_t>(lead * (w + wide_gap) + views * (2 * w + gap) + (views - 1) * wide_gap + 2 * gap);
  grid.height = static_cast<std::uint32_t>(n * (h + gap) + gap);
  grid.rgb.assign(std::size_t{grid.width} * grid.height * 3, 208);
  std::vector<Tensor> real, drawn;
  for (std::int64_t v = 0; v < views; ++v) {
    real.push_back(pictures_of(spec, made.real[static_cast<std::size_t>(v)]));
    drawn.push_back(pictures_of(spec, made.made[static_cast<std::size_t>(v)]));
  }
  const auto put = [&](const Tensor& pictures, std::int64_t row, std::int64_t x, std::int64_t y) {
    const float* ink = pictures.data<float>() + row * spec.height * spec.breadth * 3;
    for (std::int64_t i = 0; i < h; ++i)
      for (std::int64_t j = 0; j < 3 * w; ++j) {
        const float of = ink[(i / zoom * spec.breadth + j / 3 / zoom) * 3 + j % 3];
        grid.rgb[static_cast<std::size_t>(((y + i) * grid.width + x) * 3 + j)] =
            static_cast<std::uint8_t>(255 * (1 - of) + 0.5f);
      }
  };
  for (std::int64_t i = 0; i < n; ++i) {
    std::int64_t x = gap;
    const std::int64_t y = gap + i * (h + gap);
    if (lead > 0) put(real[0], i, x, y), x += w + wide_gap;
    for (std::size_t v = 0; v < real.size(); ++v) {
      put(real[v], made.donor[static_cast<std::size_t>(i)], x, y);
      put(drawn[v], i, x + w + gap, y);
      x += 2 * w + gap + wide_gap;
    }
  }
  return grid;
}

}  // namespace triptych::app
