#include "server/router.h"

#include <gtest/gtest.h>

#include <set>

#include "server/routes.h"
#include "server/uri.h"

namespace sextant {
namespace {

class RouterTest : public ::testing::Test {
 protected:
  Router::Match find(HttpMethod method, std::string_view path) {
    const auto target = split_target(path);
    return router_.find(method, target->segments);
  }
  std::string route_of(HttpMethod method, std::string_view path) {
    const Router::Match match = find(method, path);
    if (!match.status) return std::string(error_name(match.status.error().code));
    return match.route->operation_id;
  }

  const std::vector<Route> routes_ = all_routes();
  const Router router_{routes_};
};

TEST_F(RouterTest, FindsEveryRouteOfTheTable) {
  for (const Route& route : routes_) {
    std::string path = route.pattern;
    for (std::size_t open = path.find('{'); open != std::string::npos; open = path.find('{')) {
      path.replace(open, path.find('}') - open + 1, "x%2Fy");
    }
    const Router::Match match = find(route.method, path);
    ASSERT_TRUE(match.status.has_value()) << route.operation_id;
    EXPECT_EQ(match.route, &route) << path;
    for (const std::string& parameter : match.parameters) EXPECT_EQ(parameter, "x/y");
  }
}

TEST_F(RouterTest, TellsVerbsFromIds) {
  EXPECT_EQ(route_of(HttpMethod::kPost, "/v1/libraries/a/chunks:get"), "get_chunks");
  EXPECT_EQ(route_of(HttpMethod::kGet, "/v1/libraries/a/chunks/x:get"), "get_chunk");
  EXPECT_EQ(find(HttpMethod::kGet, "/v1/libraries/a/chunks/x:get").parameters[1], "x:get");
  EXPECT_EQ(route_of(HttpMethod::kPost, "/v1/backups/b1:verify"), "verify_backup");
  EXPECT_EQ(route_of(HttpMethod::kGet, "/v1/backups/b1%3Averify"), "get_backup");
  EXPECT_EQ(route_of(HttpMethod::kPost, "/v1/backups/b1%3Averify"), "method_not_allowed");
  EXPECT_EQ(route_of(HttpMethod::kPost, "/v1/backups/:verify"), "method_not_allowed");  // the id is ":verify"
}

TEST_F(RouterTest, TellsAWrongPathFromAWrongMethod) {
  EXPECT_EQ(route_of(HttpMethod::kGet, "/v1/nothing"), "route_not_found");
  EXPECT_EQ(route_of(HttpMethod::kGet, "/"), "route_not_found");
  EXPECT_EQ(route_of(HttpMethod::kGet, "/v1/libraries/"), "route_not_found");
  EXPECT_EQ(route_of(HttpMethod::kGet, "/v1/libraries/a/documents/"), "route_not_found");
  const Router::Match match = find(HttpMethod::kPut, "/v1/libraries");
  EXPECT_EQ(match.status.error().code, ErrorCode::kMethodNotAllowed);
  EXPECT_EQ(match.allow, "GET, HEAD, POST, OPTIONS");
  EXPECT_EQ(route_of(HttpMethod::kOther, "/v1/libraries"), "method_not_allowed");
}

TEST_F(RouterTest, AnswersHeadByGetAndOptionsByTheMethods) {
  EXPECT_EQ(route_of(HttpMethod::kHead, "/v1/libraries"), "list_libraries");
  EXPECT_EQ(route_of(HttpMethod::kHead, "/v1/transactions"), "method_not_allowed");
  const Router::Match options = find(HttpMethod::kOptions, "/v1/libraries/a/documents/b");
  EXPECT_TRUE(options.status.has_value());
  EXPECT_EQ(options.route, nullptr);
  EXPECT_EQ(options.allow, "GET, HEAD, PUT, PATCH, DELETE, OPTIONS");
}

TEST_F(RouterTest, RefusesIdsThatDoNotDecode) {
  EXPECT_EQ(route_of(HttpMethod::kGet, "/v1/libraries/%zz"), "invalid_argument");
  EXPECT_EQ(route_of(HttpMethod::kGet, "/v1/libraries/%ff"), "invalid_argument");
}

TEST(Routes, HaveNamesOfTheirOwn) {
  std::set<std::string> names;
  for (const Route& route : all_routes())
    EXPECT_TRUE(names.insert(route.operation_id).second) << route.operation_id;
}

}  // namespace
}  // namespace sextant
