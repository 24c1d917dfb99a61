// triptych inspect on the files of a run.
#include "app/run_checkpoint.h"
#include "data/safetensors.h"
#include "tests/test_cli_program.h"

using namespace triptych;
using namespace triptych::app;
using namespace triptych::cli_test;

TEST_CASE("inspect: a checkpoint whose numbers have changed is refused") {
  const io_test::TempDir dir;
  const RunFolder run(dir / "run", RunFolder::Open::fresh);
  Checkpoint c;
  c.parameters.emplace_back("w", Tensor::full({3}, DType::f32, 1.5));
  save_checkpoint(run, c);
  const std::string path = run / checkpoint_name(0);
  CHECK(run_program({"inspect", path}).status == 0);
  std::string bytes = io_test::slurp(path);
  bytes.back() = static_cast<char>(bytes.back() ^ 1);  // still a sound safetensors file
  const Ended e = run_program({"inspect", dir.file("x.safetensors", bytes)});
  CHECK(e.status == 3);
  CHECK(e.err.find("'model.w': its hash does not match") != std::string::npos);
}

TEST_CASE("inspect: the first bytes tell the format of a file of another name") {
  const io_test::TempDir dir;
  data::Safetensors file;
  file.tensors.emplace_back("x", data::make_array({1}, std::vector<float>{1}));
  data::write_safetensors(dir / "data.bin", file);
  CHECK(run_program({"inspect", dir / "data.bin"}).out.find("safetensors, 1 array") != std::string::npos);
  CHECK(run_program({"inspect", dir / "none.bin"}).status == 3);
}
