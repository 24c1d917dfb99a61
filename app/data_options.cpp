#include "app/data_options.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "app/options.h"
#include "core/error.h"

namespace triptych::app {

std::pair<std::string, std::string> divide(const std::string& text, const std::string& option,
                                           const std::string& form) {
  const std::size_t at = text.find('=');
  if (at == std::string::npos || at == 0 || at + 1 == text.size())
    throw Error(Exit::usage, "option.value", option + ": '" + escape_text(text, 256) + "' must be " + form);
  return {text.substr(0, at), text.substr(at + 1)};
}

void add_list(CLI::App& options, const std::string& name, std::vector<std::string>& to, const std::string& kind,
              const std::string& meaning) {
  options.add_option(name, to, meaning)
      ->type_name(kind)
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

void add_data(CLI::App& options, DataOptions& to, const std::string& source_meaning) {
  add_text(options, "--data", to.source, "SOURCE", source_meaning);
  add_text(options, "--text", to.text, "FILE",
           "features of the modality 'text': .npy, or .npz or .safetensors with :MEMBER");
  add_text(options, "--image", to.image, "FILE", "features of the modality 'image'");
  add_list(options, "--modality", to.modalities, "NAME=FILE", "features of another modality; may be repeated");
  add_list(options, "--mask", to.masks, "NAME=FILE",
           "which tokens of a modality are real: (N,L) of 0 and 1, or lengths (N)");
  add_text(options, "--labels", to.labels, "FILE",
           "a class (integer) or a target (float) for every row of the features");
}

std::vector<FeatureFile> feature_files(const DataOptions& o) {
  std::vector<FeatureFile> files;
  if (!o.text.empty()) files.push_back({"text", o.text, ""});
  if (!o.image.empty()) files.push_back({"image", o.image, ""});
  for (const std::string& m : o.modalities) {
    const auto [name, file] = divide(m, "--modality", "NAME=FILE");
    files.push_back({name, file, ""});
  }
  for (const std::string& m : o.masks) {
    const auto [name, file] = divide(m, "--mask", "NAME=FILE");
    const auto at = std::find_if(files.begin(), files.end(), [&](const FeatureFile& f) { return f.name == name; });
    if (at == files.end()) {
      std::vector<std::string> names;
      for (const FeatureFile& f : files) names.push_back(f.name);
      refuse_unknown("option.value", "modality of --mask", name, names);
    }
    at->mask = file;
  }
  return files;
}

}  // namespace triptych::app
