#include "service/schema_cache.h"

#include <gtest/gtest.h>

#include <barrier>
#include <set>
#include <thread>

#include "providers/testing/fake_database.h"
#include "providers/testing/fake_embedder.h"
#include "service/testing/allocation_count.h"

namespace sextant {
namespace {

class SchemaCacheTest : public ::testing::Test {
 protected:
  void add_library(const std::string& name, Json embedding = {}) {
    LibrarySpec spec;
    spec.name = name;
    spec.embedding = std::move(embedding);
    database_->add_library(std::move(spec));
  }
  static Json settings(std::string_view text) { return parse_json(text).value(); }
  void drop(const std::string& name) {
    WriteRequest request;
    request.transactions.push_back({.operations = {DropLibrary{name}}});
    ASSERT_TRUE(database_->write(context_, request)->transactions[0].has_value());
  }

  RequestContext context_;
  std::shared_ptr<FakeDatabase> database_ = std::make_shared<FakeDatabase>();
  std::shared_ptr<FakeEmbedder> default_ = std::make_shared<FakeEmbedder>();
  std::atomic<int> made_{0};
  std::atomic<bool> factory_works_{true};
  ManualClock clock_;
  SchemaCache cache_{
      database_, default_,
      [this](std::string_view provider, const Json& own) -> Result<std::shared_ptr<Embedder>> {
        if (!factory_works_) return fail(ErrorCode::kIo, "the model is gone");
        ++made_;
        EXPECT_EQ(own.size(), own.find("dimension") == nullptr ? 0U : 1U) << own.to_string();
        return std::make_shared<FakeEmbedder>(FakeEmbedder::Settings{.provider = std::string(provider)});
      },
      clock_};
};

TEST_F(SchemaCacheTest, AHundredUsersOfTenLibrariesShareTenProviders) {
  constexpr int kUsers = 100;
  constexpr int kLibraries = 10;
  for (int l = 0; l < kLibraries; ++l) add_library("default.l" + std::to_string(l));
  std::barrier together(kUsers);
  std::array<std::array<const TableProvider*, kLibraries>, kUsers> seen{};
  std::vector<std::thread> users;
  users.reserve(kUsers);
  for (std::size_t u = 0; u < kUsers; ++u) {
    users.emplace_back([&, u] {
      RequestContext context;
      context.user = "user" + std::to_string(u);
      together.arrive_and_wait();
      for (std::size_t l = 0; l < kLibraries; ++l) {
        const auto provider = cache_.provider(context, "l" + std::to_string(l));
        if (provider) seen[u][l] = provider->get();
      }
    });
  }
  for (auto& user : users) user.join();
  EXPECT_EQ(cache_.provider_count(), 10U);
  std::set<const TableProvider*> different;
  for (std::size_t l = 0; l < kLibraries; ++l) {
    ASSERT_NE(seen[0][l], nullptr);
    different.insert(seen[0][l]);
    for (std::size_t u = 0; u < kUsers; ++u) EXPECT_EQ(seen[u][l], seen[0][l]);
  }
  EXPECT_EQ(different.size(), 10U);
}

TEST_F(SchemaCacheTest, WhoeverMakesAProviderSecondGetsTheFirst) {
  add_library("default.notes");
  std::shared_ptr<TableProvider> first;
  database_->on_library([&] {
    // Between reading the definition and keeping a provider of it, somebody else does both.
    database_->on_library(nullptr);
    first = cache_.provider(context_, "notes").value();
  });
  EXPECT_EQ(cache_.provider(context_, "notes").value(), first);
  EXPECT_NE(first, nullptr);
}

TEST_F(SchemaCacheTest, EverySpellingFindsTheSameProvider) {
  add_library("default.notes");
  add_library("other.notes");
  const auto provider = cache_.provider(context_, "notes").value();
  EXPECT_EQ(cache_.provider(context_, "default.notes").value(), provider);
  EXPECT_EQ(cache_.provider(context_, "default:notes").value(), provider);
  EXPECT_EQ(provider->library(), "default.notes");
  EXPECT_NE(cache_.provider(context_, "other:notes").value(), provider);
  EXPECT_EQ(cache_.provider_count(), 2U);
}

TEST_F(SchemaCacheTest, ASteadyLookUpAllocatesNothingAndDoesNotAskTheDatabase) {
  add_library("long-namespace-of-a-tenant.long-name-of-a-library");
  const std::string name = "long-namespace-of-a-tenant:long-name-of-a-library";
  const auto provider = cache_.provider(context_, name).value();
  const std::size_t reads = database_->library_reads();
  bool same = true;
  const std::size_t before = allocation_count();
  for (int i = 0; i < 1000; ++i) {
    const auto found = cache_.provider(context_, name);
    same = same && found && *found == provider;
  }
  EXPECT_EQ(allocation_count() - before, 0U);
  EXPECT_TRUE(same);
  EXPECT_EQ(database_->library_reads(), reads);
  EXPECT_NE(allocation_count(), 0U);  // it does count
}

TEST_F(SchemaCacheTest, WhatDoesNotExistIsNotKept) {
  EXPECT_EQ(cache_.provider(context_, "nowhere").error().code, ErrorCode::kLibraryNotFound);
  EXPECT_EQ(cache_.provider(context_, "no where").error().field, "library");
  EXPECT_EQ(cache_.provider_count(), 0U);
  add_library("default.nowhere");
  EXPECT_TRUE(cache_.provider(context_, "nowhere").has_value());
}

TEST_F(SchemaCacheTest, AForgottenProviderServesOnForThoseWhoHoldIt) {
  add_library("default.notes");
  const auto held = cache_.provider(context_, "notes").value();
  drop("default.notes");
  cache_.forget("default:notes");
  EXPECT_EQ(cache_.provider_count(), 0U);
  EXPECT_EQ(held->info(context_).error().code, ErrorCode::kLibraryNotFound);
  EXPECT_EQ(cache_.provider(context_, "notes").error().code, ErrorCode::kLibraryNotFound);
}

TEST_F(SchemaCacheTest, ADropDuringCreationLeavesNoProviderOfTheOldLibrary) {
  add_library("default.notes", settings(R"({"provider": "old"})"));
  database_->on_library([&] {
    // The definition has been read; before its provider is kept, the library is dropped and made anew.
    database_->on_library(nullptr);
    drop("default.notes");
    cache_.forget("notes");
    add_library("default.notes", settings(R"({"provider": "new"})"));
  });
  const auto provider = cache_.provider(context_, "notes");
  ASSERT_TRUE(provider.has_value());
  EXPECT_EQ((*provider)->embedder()->provider(), "new");
}

TEST_F(SchemaCacheTest, LookUpsGoOnWhileLibrariesComeAndGo) {
  for (int l = 0; l < 4; ++l) add_library("default.l" + std::to_string(l));
  std::atomic<bool> stop{false};
  std::vector<std::thread> readers;
  readers.reserve(4);
  std::atomic<int> wrong{0};
  for (int t = 0; t < 4; ++t) {
    readers.emplace_back([&] {
      while (!stop) {
        for (int l = 0; l < 4; ++l) {
          const std::string name = "l" + std::to_string(l);
          const auto provider = cache_.provider(RequestContext(), name);
          if (!provider || (*provider)->library() != "default." + name) ++wrong;
        }
      }
    });
  }
  for (int i = 0; i < 500; ++i) cache_.forget("l" + std::to_string(i % 4));
  stop = true;
  for (auto& reader : readers) reader.join();
  EXPECT_EQ(wrong.load(), 0);
  EXPECT_LE(cache_.provider_count(), 4U);
}

TEST_F(SchemaCacheTest, LibrariesOfTheSameSettingsShareOneEmbedderAsLongAsOneOfThemLives) {
  add_library("default.a", settings(R"({"provider": "big", "dimension": 4})"));
  add_library("default.b", settings(R"({"dimension": 4, "provider": "big"})"));
  add_library("default.c", settings(R"({"provider": "big", "dimension": 8})"));
  auto a = cache_.provider(context_, "a").value();
  auto b = cache_.provider(context_, "b").value();
  auto c = cache_.provider(context_, "c").value();
  EXPECT_EQ(a->embedder(), b->embedder());
  EXPECT_NE(a->embedder(), c->embedder());
  EXPECT_EQ(made_.load(), 2);
  for (const char* name : {"a", "b"}) cache_.forget(name);
  const std::weak_ptr<Embedder> gone = a->embedder();
  a = b = nullptr;
  EXPECT_TRUE(gone.expired());
}

TEST_F(SchemaCacheTest, TheDefaultServesWhoNamesNoneOrItsProviderOnly) {
  EXPECT_EQ(cache_.embedder({}).value(), default_);
  EXPECT_EQ(cache_.embedder(settings(R"({"provider": "fake"})")).value(), default_);
  EXPECT_EQ(cache_.embedder(settings(R"({"provider": "fake", "model": "fake-model"})")).value(), default_);
  EXPECT_EQ(cache_.embedder(settings(R"({"provider": "fake", "model": "other"})")).error().field, "model");
  EXPECT_EQ(made_.load(), 0);
  EXPECT_EQ(cache_.embedder(settings(R"({"provider": "fake", "dimension": 4})")).value(), default_);
  EXPECT_EQ(made_.load(), 0);
  EXPECT_NE(cache_.embedder(settings(R"({"provider": "fake", "dimension": 8})")).value(), default_);
  EXPECT_NE(cache_.embedder(settings(R"({"provider": "hashed"})")).value(), default_);
  EXPECT_EQ(made_.load(), 2);
  EXPECT_TRUE(cache_.embedder(settings(R"({"provider": "hashed", "model": "fake-model"})")).has_value());
  EXPECT_EQ(cache_.embedder(settings(R"({"provider": "hashed", "model": "x"})")).error().field, "model");
}

TEST_F(SchemaCacheTest, OfAStoredDefinitionPathsAndThreadsCountForNothingAndWhatChangesVectorsIsRefused) {
  const auto stored = settings(R"({"provider": "fake", "model_dir": "/any/path", "threads": 1024})");
  EXPECT_EQ(cache_.embedder(stored).value(), default_);
  const auto other = cache_.embedder(settings(R"({"provider": "fake", "query_prefix": "q: "})"));
  ASSERT_FALSE(other.has_value());
  EXPECT_EQ(other.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(other.error().field, "query_prefix");
  EXPECT_EQ(made_.load(), 0);
}

TEST_F(SchemaCacheTest, AnEmbedderThatCouldNotBeMadeIsTriedAgainAfterAWhileAndNotBefore) {
  add_library("default.notes", settings(R"({"provider": "big"})"));
  const auto ready = [&] { return cache_.provider(context_, "notes").value()->embedder()->health().ready; };
  factory_works_ = false;
  EXPECT_FALSE(ready());
  const std::size_t reads = database_->library_reads();
  factory_works_ = true;
  clock_.advance_ms(SchemaCache::kRetryAfterMs - 1);
  EXPECT_FALSE(ready());
  EXPECT_EQ(database_->library_reads(), reads);
  factory_works_ = false;
  clock_.advance_ms(1);
  EXPECT_FALSE(ready());
  EXPECT_GT(database_->library_reads(), reads);
  factory_works_ = true;
  EXPECT_FALSE(ready()) << "the failure stands for as long again";
  clock_.advance_ms(SchemaCache::kRetryAfterMs);
  EXPECT_TRUE(ready());
  EXPECT_EQ(made_.load(), 1);
  EXPECT_EQ(cache_.provider_count(), 1U);
  clock_.advance_ms(SchemaCache::kRetryAfterMs);
  EXPECT_TRUE(ready());
  EXPECT_EQ(made_.load(), 1);
}

TEST_F(SchemaCacheTest, ALibraryWhoseEmbedderCannotBeMadeServesVectorsAndSaysWhyNoText) {
  LibrarySpec spec;
  spec.name = "default.notes";
  spec.embedding = settings(R"({"provider": "big", "model_dir": "/m"})");
  spec.field.dimension = 4;
  spec.field.model = "fake-model";
  database_->add_library(spec);
  factory_works_ = false;
  const auto provider = cache_.provider(context_, "notes");
  ASSERT_TRUE(provider.has_value());
  EXPECT_TRUE((*provider)->chunks(context_, {}, {}).has_value());
  TableQuery query;
  query.text = "a";
  const auto found = (*provider)->search(context_, {query});
  ASSERT_FALSE(found.has_value());
  EXPECT_EQ(found.error().code, ErrorCode::kEmbeddingUnavailable);
  EXPECT_NE(found.error().message.find("the model is gone"), std::string::npos);
}

}  // namespace
}  // namespace sextant
