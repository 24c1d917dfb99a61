// What a report says, before it is HTML.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "app/config.h"
#include "app/emoji_source.h"
#include "app/evaluation.h"
#include "app/report_chart.h"

namespace triptych::app {

// The series of a metrics.jsonl: "loss", the terms, then what else is logged as a number. Lines that are not JSON
// objects with a step are left out; null and missing values become gaps. Throws what read_file throws.
struct TrainingSeries {
  std::optional<Series> loss;
  std::vector<Series> terms, others;
};
TrainingSeries read_series(const std::string& path);

// An item as shown to the reader: a picture (data URI) or a text.
struct Shown {
  std::string picture, text, gloss;  // gloss: what a reader of English makes of it
};
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

struct ReportContent {
  std::string run;  // folder
  RunConfig config;
  std::string data, fingerprint;  // DataSource::description and fingerprint
  std::int64_t step = 0, parameters = 0;
  double seconds = 0;  // of training; 0: not known
  std::vector<std::string> notices;
  TrainingSeries series;
  std::optional<Evaluation> evaluation;  // absent when nothing is held out
  std::vector<std::string> modalities;
  std::vector<RetrievalExample> examples;
};

// The whole page.
std::string report_html(const ReportContent& content);

}  // namespace triptych::app
