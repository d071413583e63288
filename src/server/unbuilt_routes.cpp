// Routes that the API has and this build has not: they say so, so that nobody takes them for misspelt.
#include "server/routes.h"

namespace sextant {

std::vector<Route> unbuilt_routes() {
  struct Unbuilt {
    HttpMethod method;
    const char* pattern;
    const char* operation_id;
    const char* summary;
  };
  static constexpr Unbuilt kUnbuilt[] = {
      {HttpMethod::kGet, "/v1/libraries/{library}/index", "get_index", "State of a library's index"},
      {HttpMethod::kPut, "/v1/libraries/{library}/index", "put_index",
       "Change the kind of a library's index"},
      {HttpMethod::kPost, "/v1/libraries/{library}/index:rebuild", "rebuild_index",
       "Rebuild a library's index"},
      {HttpMethod::kPost, "/v1/backups", "create_backup", "Back up the database"},
      {HttpMethod::kGet, "/v1/backups", "list_backups", "List backups"},
      {HttpMethod::kGet, "/v1/backups/{id}", "get_backup", "Show a backup"},
      {HttpMethod::kDelete, "/v1/backups/{id}", "delete_backup", "Delete a backup"},
      {HttpMethod::kPost, "/v1/backups/{id}:verify", "verify_backup", "Verify a backup"},
      {HttpMethod::kPost, "/v1/backups/{id}:restore", "restore_backup", "Restore a backup"},
      {HttpMethod::kGet, "/v1/migrations", "list_migrations", "List migrations"},
      {HttpMethod::kPost, "/v1/migrations:apply", "apply_migrations", "Apply migrations"},
      {HttpMethod::kPost, "/v1/migrations:rollback", "roll_back_migrations", "Roll migrations back"},
      {HttpMethod::kPost, "/v1/users", "create_user", "Create a user"},
      {HttpMethod::kGet, "/v1/users", "list_users", "List users"},
      {HttpMethod::kDelete, "/v1/users", "delete_user", "Delete a user"},
      {HttpMethod::kPost, "/v1/keys", "create_key", "Create a key"},
      {HttpMethod::kGet, "/v1/keys", "list_keys", "List keys"},
      {HttpMethod::kDelete, "/v1/keys", "delete_key", "Delete a key"},
      {HttpMethod::kGet, "/v1/audit", "get_audit", "The audit log"},
      {HttpMethod::kGet, "/v1/jobs", "list_jobs", "List jobs"},
      {HttpMethod::kGet, "/v1/jobs/{id}", "get_job", "Show a job"},
      {HttpMethod::kDelete, "/v1/jobs/{id}", "cancel_job", "Cancel a job"},
  };
  std::vector<Route> routes;
  for (const Unbuilt& unbuilt : kUnbuilt) {
    Route route{.method = unbuilt.method,
                .pattern = unbuilt.pattern,
                .operation_id = unbuilt.operation_id,
                .summary = unbuilt.summary,
                .tag = "not supported yet",
                .place = WorkPlace::kInline,
                .built = false};
    route.handler = [](Call& call) -> Result<HttpResponse> {
      return fail(ErrorCode::kNotSupportedYet, std::string(method_name(call.route.method)) + " " +
                                                   call.route.pattern + " is not supported yet");
    };
    routes.push_back(std::move(route));
  }
  return routes;
}

}  // namespace sextant
