#include "app/failure.h"

#include <exception>
#include <new>
#include <nlohmann/json.hpp>
#include <string>

#include "app/terminal.h"
#include "core/error.h"

namespace triptych::app {
namespace {

constexpr const char* bug_hint =
    "this is a bug in triptych: please report it with the command line and the output of 'triptych doctor'";

int report(const Error& error, bool json) {
  const int status = static_cast<int>(error.exit);
  const std::string hint = error.hint.empty() && error.exit == Exit::internal ? bug_hint : error.hint;
  if (json) {
    nlohmann::ordered_json body = {{"code", error.code}, {"exit", status}, {"message", error.what()}};
    body["file"] = error.file.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(error.file);
    body["hint"] = hint;
    say(json_text({{"error", body}}) + "\n");
  } else {
    say("triptych: " + std::string(error.what()) + "\n" + (hint.empty() ? "" : "  hint: " + hint + "\n"));
  }
  return status;
}

}  // namespace

int report_failure(bool json) {
  try {
    throw;
  } catch (const PipeClosed&) {
    return static_cast<int>(Exit::ok);
  } catch (const Error& error) {
    return report(error, json);
  } catch (const std::bad_alloc&) {
    return report({Exit::resources, "memory", "out of memory", {}, "use smaller input, or a machine with more memory"},
                  json);
  } catch (const std::exception& error) {
    return report({Exit::internal, "internal", "internal error: " + escape_text(error.what(), 1000)}, json);
  } catch (...) {
    return report({Exit::internal, "internal", "internal error of unknown kind"}, json);
  }
}

}  // namespace triptych::app
