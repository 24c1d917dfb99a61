// The options that say which data a command reads: the emoji pairs or feature files.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "app/config.h"

namespace CLI {
class App;
}

namespace triptych::app {

struct DataOptions {
  std::string source, text, image, labels;
  std::vector<std::string> modalities, masks;
};

// --data, --text, --image, --modality NAME=FILE, --mask NAME=FILE, --labels. `source_meaning` is the help of --data.
void add_data(CLI::App& options, DataOptions& to, const std::string& source_meaning);
// An option that may be repeated.
void add_list(CLI::App& options, const std::string& name, std::vector<std::string>& to, const std::string& kind,
              const std::string& meaning);

// The feature files named, with their masks. Throws Error(usage, "option.value").
std::vector<FeatureFile> feature_files(const DataOptions& o);

// "name=value" in two; the value may hold more of '='.
std::pair<std::string, std::string> divide(const std::string& text, const std::string& option, const std::string& form);

}  // namespace triptych::app
