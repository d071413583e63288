#include "server/route.h"

#include <algorithm>

namespace sextant {

namespace {

Json list_of_texts(std::string_view text) {
  Json list = Json::array();
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    list.push_back(text.substr(0, comma));
    text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
  }
  return list;
}

Json parameter_as_json(ParameterText kind, const std::string& text) {
  switch (kind) {
    case ParameterText::kString:
      return text;
    case ParameterText::kList:
      return list_of_texts(text);
    case ParameterText::kInteger:
    case ParameterText::kBoolean:
    case ParameterText::kJson:
      break;
  }
  Result<Json> value = parse_json(text);
  return value ? *std::move(value) : Json(text);
}

}  // namespace

void Call::limit_to_ms(std::optional<std::size_t> timeout_ms) {
  if (!timeout_ms) return;
  const std::int64_t end_ns =
      context.clock->monotonic_ns() + static_cast<std::int64_t>(*timeout_ms) * 1'000'000;
  context.deadline_ns = std::min(context.deadline_ns, end_ns);
}

WriteRequest Call::write_request() const {
  WriteRequest request;
  request.idempotency = idempotency;
  return request;
}

Json query_as_json(const ObjectSchema& type, const std::vector<std::pair<std::string, std::string>>& query) {
  Json::Object object;
  for (const auto& [name, text] : query) {
    const auto& members = type.members();
    const auto member = std::ranges::find(members, name, &ObjectSchema::Member::name);
    const ParameterText kind = member == members.end() ? ParameterText::kString : member->parameter_text;
    object.emplace_back(name, parameter_as_json(kind, text));
  }
  return Json(std::move(object));
}

}  // namespace sextant
