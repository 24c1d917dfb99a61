// What a report says, before it is HTML.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "app/config.h"
#include "app/emoji_source.h"
#include "app/evaluation.h"
#include "app/generation.h"
#include "app/report_series.h"
#include "app/verdict.h"
#include "metrics/swap_retrieval.h"

namespace triptych::app {

// An item as shown to the reader: a picture (data URI) or a text.
struct Shown {
  std::string picture, text, gloss;  // gloss: what a reader of English makes of it
};
// A concept of the emoji as a style draws it, or as a language names it.
Shown shown_item(const data::EmojiPairs& pairs, bool picture, std::size_t view, std::int32_t item);
// One query and what the shared code finds for it among the held-out items of another modality.
struct RetrievalExample {
  std::string from, to;  // "noto", "en": the views
  Shown query;
  struct Found {
    Shown shown;
    double score = 0;  // cosine
    bool match = false;
  };
  std::vector<Found> nearest;    // at most 5, best first
  Shown truth;                   // the match
  std::int64_t rank = 0, n = 0;  // of the match, from 1; how many were searched
};

// Four pictures as queries among the names, then four names among the pictures: concepts evenly spaced through the
// held-out ones, styles and languages in turn. Nothing is picked for its result.
std::vector<RetrievalExample> retrieval_examples(const EmojiSource& data, const Codes& codes);

// A code in its first two principal components, every point a row.
struct Scatter {
  std::string title, words;          // what it is of, and what it should look like
  std::vector<std::string> classes;  // empty: points are not told apart
  struct Point {
    double x = 0, y = 0;
    std::size_t of = 0;  // class
  };
  std::vector<Point> points;  // at most 400
  double explained[2] = {};   // shares of the variance; 0, 0: the code is constant
};

// The shared codes of all modalities together, by modality, then every code of its own by the factor it should hold.
std::vector<Scatter> code_scatters(const Codes& codes);

// Where the queries or slots of a code look at some held-out pictures.
struct Attention {
  struct Look {
    std::string reader;  // "shared.image"
    Shown picture;
    std::vector<std::vector<float>> share;  // [query][row * columns + column] of the map, adds up to 1; mean over heads
  };
  std::int64_t rows = 0, columns = 0;
  std::vector<Look> looks;
  std::string absent;  // why there is nothing to look at, where one would expect it
};

// Six pictures, evenly spaced through the held-out concepts, styles in turn.
Attention attention_on_pictures(const Model& model, const EmojiSource& data);

// Swapped codes of one modality, looked up among the held-out samples (metrics/swap_retrieval.h).
struct FoundSwaps {
  std::string modality;
  metrics::SwapScore score;
  std::int64_t candidates = 0;
  struct Example {
    Shown item, donor, found;
    std::string item_view, donor_view, found_view;
    bool right = false;
  };
  std::vector<Example> examples;
};
// Four of each modality that has views, evenly spaced.
std::vector<FoundSwaps> found_swaps(const EmojiSource& data, const Codes& codes);

// Swapped codes as the run's flow draws them (app/generation.h); absent for a run that generates no pictures.
struct DrawnSwaps {
  std::string modality;
  std::vector<std::string> views, items;  // "noto", "twemoji"; "red apple", "dog"
  std::vector<FactorRead> factors;
  std::string picture;  // data URI
  std::uint32_t width = 0, height = 0;
};
std::optional<DrawnSwaps> drawn_swaps_of(const Model& model, const EmojiSource& data);

struct ReportContent {
  std::string run;  // folder
  RunConfig config;
  std::string data, fingerprint;  // DataSource::description and fingerprint
  std::int64_t step = 0, parameters = 0;
  double seconds = 0;  // of training; 0: not known
  std::vector<std::string> notices;
  TrainingSeries series;
  std::optional<Evaluation> evaluation;
  std::string unjudged;  // why there is no evaluation
  std::vector<Verdict> verdicts;
  int refresh_after = 0;  // seconds after which the page loads itself again, as training goes on; 0: never
  std::vector<std::string> modalities;
  std::vector<RetrievalExample> examples;
  std::optional<DrawnSwaps> drawn_swaps;
  std::vector<FoundSwaps> found_swaps;
  std::vector<Scatter> scatters;
  Attention attention;
};

// Reads a run and judges its newest checkpoint on held-out data. Where that cannot be done (no checkpoint yet, changed
// data, codes that hold NaN) `unjudged` says why and the rest is there all the same. Throws Error(input, "run.missing")
// for a folder without a config, and what read_config throws.
ReportContent read_report(const std::string& run);

// The whole page.
std::string report_html(const ReportContent& content);

}  // namespace triptych::app
