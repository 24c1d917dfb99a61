// The codes of every item as one safetensors file.
#pragma once

#include "app/data_source.h"
#include "data/safetensors.h"
#include "models/model.h"

namespace triptych::app {

//   private.<m>, shared.<m>   f32 (items, width), or private.<m>.<view> where a modality has several views
//   joint                     f32 (items, width): read from the first view of every modality, which metadata "joint"
//                             names
//   item                      i32 (items), ascending: the number of each row's item in the data
//   held_out                  bool (items): 0 was there for training
//
// and metadata "data" (fingerprint). Codes are as the model gives them; the shared ones are compared by cosine.
data::Safetensors encode_file(const Model& model, const DataSource& data);

}  // namespace triptych::app
