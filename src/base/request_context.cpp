#include "base/request_context.h"

#include <utility>

namespace sextant {

Status RequestContext::check_deadline(const char* doing) const {
  if (!expired()) return {};
  std::string message = "deadline exceeded while ";
  message.append(doing);
  return fail(ErrorCode::kDeadlineExceeded, std::move(message));
}

}  // namespace sextant
