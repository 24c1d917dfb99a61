#include "backends/backend.h"

#ifdef TRIPTYCH_ONEDNN
#include <oneapi/dnnl/dnnl.h>
#else
#include <Eigen/Core>
#endif

namespace triptych {

std::string cpu_library() {
#ifdef TRIPTYCH_ONEDNN
  const dnnl_version_t& v = *dnnl_version();
  return "oneDNN " + std::to_string(v.major) + "." + std::to_string(v.minor) + "." + std::to_string(v.patch);
#else
  return "Eigen " + std::to_string(EIGEN_WORLD_VERSION) + "." + std::to_string(EIGEN_MAJOR_VERSION) + "." +
         std::to_string(EIGEN_MINOR_VERSION);
#endif
}

}  // namespace triptych
