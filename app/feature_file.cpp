#include "app/feature_file.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/error.h"
#include "data/npy.h"
#include "data/npz.h"
#include "data/safetensors.h"

namespace triptych::app {
namespace {

// "a.npz:text" -> {"a.npz", "text"}; the last colon that follows a format with members divides.
std::pair<std::string, std::string> split_place(const std::string& place) {
  for (std::size_t colon = place.rfind(':'); colon != std::string::npos && colon > 0;
       colon = place.rfind(':', colon - 1)) {
    const std::string file = place.substr(0, colon);
    if (file.ends_with(".npz") || file.ends_with(".safetensors") || file.ends_with(".npy"))
      return {file, place.substr(colon + 1)};
  }
  return {place, ""};
}

data::Array pick(data::NamedArrays arrays, const std::string& file, const std::string& member) {
  std::vector<std::string> names;
  std::string all;
  for (auto& [name, array] : arrays) {
    if (name == member || (member.empty() && arrays.size() == 1)) return std::move(array);
    names.push_back(name);
    if (names.size() <= 20)
      all += (all.empty() ? "" : ", ") + escape_text(name, 64) + " " + data::shape_text(array.shape);
  }
  const std::string close = nearest(member, names);
  reject_input("features.member", file, member.empty() ? "" : "member '" + escape_text(member, 64) + "'",
               (member.empty() ? "holds " + std::to_string(names.size()) + " arrays, expected one or FILE:MEMBER: "
                               : std::string("absent; there is: ")) +
                   all,
               close.empty() ? "name one: " + escape_text(file, 4096) + ":NAME" : "did you mean '" + close + "'?");
}

std::vector<float> read_mask(const std::string& place, const Features& x) {
  const data::Array a = read_array(place);
  const auto fail = [&](const std::string& where, const std::string& problem) {
    reject_input("features.mask", place, where, problem);
  };
  const bool lengths = a.shape == data::Shape{x.rows};
  if (!lengths && a.shape != data::Shape{x.rows, x.tokens})
    fail("", "shape " + data::shape_text(a.shape) + ", expected a mask " + data::shape_text({x.rows, x.tokens}) +
                 " or lengths " + data::shape_text({x.rows}) + " for " + escape_text(x.file, 4096) + " " +
                 data::shape_text(x.shape));
  const std::vector<std::int64_t> given = data::to_int64s(a, place);
  std::vector<float> mask(static_cast<std::size_t>(x.rows * x.tokens));
  for (std::int64_t r = 0; r < x.rows; ++r) {
    for (std::int64_t t = 0; t < x.tokens; ++t) {
      const std::int64_t v = given[static_cast<std::size_t>(lengths ? r : r * x.tokens + t)];
      if (lengths && (v < 0 || v > x.tokens))
        fail("row " + std::to_string(r), "length " + std::to_string(v) + ", expected 0 to " + std::to_string(x.tokens));
      if (!lengths && v != 0 && v != 1) fail("row " + std::to_string(r), std::to_string(v) + ", expected 0 or 1");
      const bool on = lengths ? t < v : v == 1;
      mask[static_cast<std::size_t>(r * x.tokens + t)] = on ? 1.0f : 0.0f;
    }
  }
  return mask;
}

}  // namespace

data::Array read_array(const std::string& place) {
  const auto [file, member] = split_place(place);
  if (file.ends_with(".npz") && !member.empty()) return data::read_npz_member(file, member);
  if (file.ends_with(".npz")) return pick(data::read_npz(file), file, member);
  if (file.ends_with(".safetensors")) return pick(data::read_safetensors(file).tensors, file, member);
  if (!member.empty())
    reject_input("features.member", file, "member '" + escape_text(member, 64) + "'", "an .npy file has no members");
  return data::read_npy(file);
}

Features read_features(const FeatureFile& source, bool keep_nonfinite) {
  const data::Array a = read_array(source.file);
  data::require_feature_rank(a, source.file);
  if (!keep_nonfinite) {
    try {
      data::require_finite(a, source.file);
    } catch (const Error& e) {
      throw Error(e.exit, e.code, e.what(), e.file, "repair these rows, or leave them out with --drop-nonfinite");
    }
  }
  Features f;
  f.file = source.file;
  f.shape = a.shape;
  f.rows = a.shape[0];
  f.tokens = a.shape.size() == 3 ? a.shape[1] : 1;
  f.width = a.shape.back();
  f.bad_rows = data::non_finite_rows(a);
  f.values = data::to_floats(a, source.file);
  if (!source.mask.empty()) f.mask = read_mask(source.mask, f);
  return f;
}

void drop_rows(Features& from, const std::vector<std::int64_t>& rows) {
  std::int64_t kept = 0;
  auto bad = rows.begin();
  const auto move_row = [&](std::vector<float>& v, std::int64_t size, std::int64_t row) {
    std::copy_n(v.begin() + row * size, size, v.begin() + kept * size);
  };
  for (std::int64_t r = 0; r < from.rows; ++r) {
    if (bad != rows.end() && *bad == r) {
      ++bad;
      continue;
    }
    move_row(from.values, from.tokens * from.width, r);
    if (!from.mask.empty()) move_row(from.mask, from.tokens, r);
    ++kept;
  }
  from.rows = kept;
  from.values.resize(static_cast<std::size_t>(kept * from.tokens * from.width));
  if (!from.mask.empty()) from.mask.resize(static_cast<std::size_t>(kept * from.tokens));
}

Tensor read_labels(const std::string& place, std::int64_t n) {
  const data::Array a = read_array(place);
  const auto fail = [&](const std::string& where, const std::string& problem) {
    reject_input("features.labels", place, where, problem);
  };
  const bool real = a.dtype == data::Dtype::f16 || a.dtype == data::Dtype::f32 || a.dtype == data::Dtype::f64;
  if (a.shape.empty() || a.shape.size() > (real ? 2u : 1u) || a.shape[0] != n)
    fail("", "shape " + data::shape_text(a.shape) + ", expected " + data::shape_text({n}) +
                 (real ? " or (" + std::to_string(n) + ", width)" : "") + ", one label for every row of the features");
  if (real) {
    data::require_finite(a, place);
    const std::vector<float> values = data::to_floats(a, place);
    return Tensor::from({n, a.shape.size() == 2 ? a.shape[1] : 1}, std::span<const float>(values), DType::f32);
  }
  constexpr std::int64_t largest_class = 65535;
  const std::vector<std::int64_t> values = data::to_int64s(a, place);
  Tensor classes({n}, DType::i32);
  for (std::int64_t i = 0; i < n; ++i) {
    const std::int64_t k = values[static_cast<std::size_t>(i)];
    if (k < 0 || k > largest_class)
      fail("row " + std::to_string(i),
           "class " + std::to_string(k) + ", expected 0 to " + std::to_string(largest_class));
    classes.set(i, static_cast<double>(k));
  }
  return classes;
}

std::vector<std::string> warnings_of(const std::vector<Features>& all) {
  std::vector<std::string> found;
  const auto warn = [&](const Features& f, std::int64_t count, const std::string& what) {
    if (count > 0) found.push_back(escape_text(f.file, 4096) + ": " + std::to_string(count) + what);
  };
  for (const Features& f : all) {
    const auto rows = static_cast<std::size_t>(f.rows * f.tokens), width = static_cast<std::size_t>(f.width);
    std::vector<char> varies(width, 0);
    std::int64_t zero = 0;
    for (std::size_t r = 0; r < rows; ++r) {
      bool any = false;
      for (std::size_t c = 0; c < width; ++c) {
        const float x = f.values[r * width + c];
        any = any || x != 0;
        varies[c] = static_cast<char>(varies[c] | (x != f.values[c]));
      }
      if (f.mask.empty()) zero += !any;
    }
    warn(f, std::count(varies.begin(), varies.end(), 0), " of " + std::to_string(width) + " columns are constant");
    warn(f, zero, " of " + std::to_string(rows) + " rows are all zero");
  }
  for (std::size_t i = 0; i < all.size(); ++i)
    for (std::size_t j = i + 1; j < all.size(); ++j)
      if (all[i].width == all[j].width && all[i].values == all[j].values)
        found.push_back(escape_text(all[i].file, 4096) + " and " + escape_text(all[j].file, 4096) +
                        " hold the same numbers: one modality copied into the other?");
  return found;
}

}  // namespace triptych::app
