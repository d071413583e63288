#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "providers/embedder.h"

namespace sextant {
namespace {

Error refusal(std::string_view provider, std::string_view settings) {
  auto made = make_embedder(provider, parse_json(settings).value());
  EXPECT_FALSE(made) << settings;
  return made ? Error{} : made.error();
}

TEST(EmbedderFactory, ListsItsProvidersSorted) {
  EXPECT_EQ(embedder_providers(), (std::vector<std::string_view>{"hashed", "local"}));
}

TEST(EmbedderFactory, NamesTheKnownProvidersWhenAskedForAnother) {
  const Error error = refusal("openai", "{}");
  EXPECT_EQ(error.code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(error.field, "provider");
  EXPECT_EQ(error.message, "no embedding provider 'openai'; there are hashed, local");
}

TEST(EmbedderFactory, RefusesSettingsThatTheProviderDoesNotKnow) {
  const Error hashed = refusal("hashed", R"({"dimension":64,"dimensions":64})");
  EXPECT_EQ(hashed.code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(hashed.field, "dimensions");
  EXPECT_EQ(hashed.message, "embedding provider 'hashed' has no setting 'dimensions'; it knows dimension");
  EXPECT_EQ(refusal("local", R"({"model_dir":"/nowhere","Threads":2})").field, "Threads");
}

TEST(EmbedderFactory, RefusesSettingsOfTheWrongTypeOrRange) {
  EXPECT_EQ(refusal("hashed", R"([1])").message,
            "settings of embedding provider 'hashed' must be an object, not array");
  EXPECT_EQ(refusal("hashed", R"({"dimension":"64"})").message,
            "setting 'dimension' of embedding provider 'hashed' must be an integer, not string");
  EXPECT_EQ(refusal("hashed", R"({"dimension":7})").message,
            "setting 'dimension' of embedding provider 'hashed' is 7, the range is 8 to 65536");
  EXPECT_EQ(refusal("hashed", R"({"dimension":-1})").field, "dimension");
  EXPECT_EQ(refusal("local", "{}").message, "embedding provider 'local' needs the setting 'model_dir'");
  EXPECT_EQ(refusal("local", R"({"model_dir":"/nowhere","long_texts":"yes"})").field, "long_texts");
  EXPECT_EQ(refusal("local", R"({"model_dir":"/nowhere","threads":0})").field, "threads");
  EXPECT_EQ(refusal("local", R"({"model_dir":"/nowhere","max_tokens":2})").field, "max_tokens");
  EXPECT_EQ(refusal("local", R"({"model_dir":"/nowhere","pooling":"max"})").message,
            "setting 'pooling' is 'max', it can be mean or cls");
}

TEST(EmbedderFactory, TakesNoSettingsAsDefaults) {
  const auto made = make_embedder("hashed", Json());
  ASSERT_TRUE(made) << made.error().to_string();
  EXPECT_EQ((*made)->dimension(), 384U);
}

}  // namespace
}  // namespace sextant
