// sextant search and sextant libraries: ask a running server.
#include <fmt/format.h>

#include <cstdio>
#include <optional>

#include "cli/commands.h"

namespace sextant {

namespace {

struct SearchFlags {
  ServerAddress server;
  std::string library;
  std::string question;
  std::int64_t k = 5;
  std::optional<std::string> where;
  bool json = false;
};

double number_member(const Json& json, std::string_view key) {
  const Json* member = json.find(key);
  return member != nullptr && member->is_number() ? member->as_number() : 0;
}

std::string text_member(const Json& json, std::string_view key) {
  const Json* member = json.find(key);
  return member != nullptr && member->is_string() ? member->as_string() : std::string();
}

// A hit on two lines: score and text, then where it is from.
std::string hit_text(const Json& hit) {
  std::string text = text_member(hit, "text");
  for (char& c : text) c = c == '\n' ? ' ' : c;
  constexpr std::size_t kShown = 300;
  if (text.size() > kShown) {
    std::size_t end = kShown;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U)
      --end;  // not inside a character
    text = text.substr(0, end) + " ...";
  }
  return fmt::format("  {:.3f}  {}\n         {}", number_member(hit, "score"), text,
                     text_member(hit, "chunk_id"));
}

Result<int> search_server(const SearchFlags& flags) {
  Json body = Json::object();
  body.set("text", Json(flags.question)).set("k", Json(flags.k));
  if (flags.where) {
    auto where = parse_json(*flags.where);
    if (!where)
      return fail(caused_by(ErrorCode::kInvalidArgument, "--where is not JSON", std::move(where).error()));
    body.set("where", *std::move(where));
  }
  ApiClient client(flags.server);
  TRY_ASSIGN(const Json answer,
             client.post("/v1/libraries/" + path_segment(flags.library) + "/search", body));
  if (flags.json) {
    std::puts(answer.to_string().c_str());
    return 0;
  }
  const Json* hits = answer.find("hits");
  if (hits == nullptr || hits->size() == 0) {
    std::puts("  nothing found");
    return 0;
  }
  for (std::size_t i = 0; i < hits->size(); ++i) std::puts(hit_text(hits->element(i)).c_str());
  return 0;
}

Result<int> list_libraries(const ServerAddress& server, bool json) {
  ApiClient client(server);
  std::string path = "/v1/libraries?limit=1000";
  Json::Array all;
  for (;;) {
    TRY_ASSIGN(const Json page, client.get(path));
    const Json* libraries = page.find("libraries");
    for (std::size_t i = 0; libraries != nullptr && i < libraries->size(); ++i)
      all.push_back(libraries->element(i));
    const std::string cursor = text_member(page, "cursor");
    if (cursor.empty()) break;
    path = "/v1/libraries?limit=1000&cursor=" + path_segment(cursor);
  }
  if (json) {
    Json out = Json::object();
    out.set("libraries", Json(std::move(all)));
    std::puts(out.to_string().c_str());
    return 0;
  }
  std::puts(fmt::format("{:<32} {:>10} {:>10}  {}", "LIBRARY", "DOCUMENTS", "CHUNKS", "MODEL").c_str());
  for (const Json& library : all) {
    const Json* vectors = library.find("vectors");
    const Json* field = vectors != nullptr && vectors->is_object() && vectors->size() > 0
                            ? &vectors->as_object()[0].second
                            : nullptr;
    const std::string model = field == nullptr ? "" : text_member(*field, "model");
    std::puts(fmt::format("{:<32} {:>10.0f} {:>10.0f}  {}", text_member(library, "name"),
                          number_member(library, "documents"), number_member(library, "chunks"), model)
                  .c_str());
  }
  return 0;
}

}  // namespace

void add_search(CLI::App& app, int& status) {
  static SearchFlags flags;
  CLI::App* command = app.add_subcommand("search", "find chunks by meaning");
  command->add_option("question", flags.question, "what to look for")->required();
  command->add_option("--library", flags.library, "where to look")->required();
  command->add_option("-k", flags.k, "how many answers")->check(CLI::Range(1, 10'000))->capture_default_str();
  command->add_option("--where", flags.where, "a metadata filter, e.g. '{\"part_of_speech\": \"noun\"}'");
  command->add_flag("--json", flags.json, "print the server's answer");
  add_server_options(*command, flags.server);
  command->callback([&status] {
    auto result = search_server(flags);
    status = result ? *result : report(result.error());
  });
}

void add_libraries(CLI::App& app, int& status) {
  static ServerAddress server;
  static bool json = false;
  CLI::App* command = app.add_subcommand("libraries", "list the libraries of a server");
  command->add_flag("--json", json, "print JSON");
  add_server_options(*command, server);
  command->callback([&status] {
    auto result = list_libraries(server, json);
    status = result ? *result : report(result.error());
  });
}

}  // namespace sextant
