// Creating, changing and dropping libraries: names, embedders, contracts, and what is refused.
#include "service/testing/service_fixture.h"

namespace sextant {
namespace {

class ServiceLibraries : public ServiceFixture {
 protected:
  void SetUp() override {}
  Result<WriteResult> create(LibrarySpec spec) {
    return service().create_library(context_, std::move(spec), {});
  }
  LibrarySpec with_embedding(std::string_view settings) {
    LibrarySpec spec = named("notes");
    spec.embedding = json(settings);
    return spec;
  }
  VectorField field_of(const std::string& name) {
    return service().library(context_, name)->definition.spec.field;
  }
};

TEST_F(ServiceLibraries, AnySpellingCreatesTheFullName) {
  ASSERT_TRUE(create(named("notes")).has_value());
  ASSERT_TRUE(create(named("chat:messages")).has_value());
  const auto libraries = service().libraries(context_, "", 10);
  ASSERT_TRUE(libraries.has_value());
  ASSERT_EQ(libraries->size(), 2U);
  EXPECT_EQ((*libraries)[0].definition.spec.name, "chat.messages");
  EXPECT_EQ((*libraries)[1].definition.spec.name, "default.notes");
  EXPECT_EQ(service().library(context_, "chat.messages")->definition.spec.name, "chat.messages");
  EXPECT_EQ(
      told(create(named("a b"))),
      "invalid_argument name: the library's name holds byte 0x20 at position 1; allowed are A-Z a-z 0-9 _ -");
}

TEST_F(ServiceLibraries, AFailureIsTheCallsOwnError) {
  ASSERT_TRUE(create(named("notes")).has_value());
  EXPECT_EQ(create(named("notes")).error().code, ErrorCode::kLibraryExists);
  EXPECT_EQ(service().drop_library(context_, "nowhere", {}).error().code, ErrorCode::kLibraryNotFound);
  EXPECT_EQ(service().library(context_, "nowhere").error().code, ErrorCode::kLibraryNotFound);
  EXPECT_EQ(service().library(context_, "no/where").error().field, "library");
}

TEST_F(ServiceLibraries, NamingNoEmbedderLeavesTheContractOpen) {
  ASSERT_TRUE(create(named("notes")).has_value());
  EXPECT_FALSE(field_of("notes").established());
}

TEST_F(ServiceLibraries, ANamedEmbedderSettlesTheContract) {
  ASSERT_TRUE(create(with_embedding(R"({"provider": "hashed", "dimension": 64})")).has_value());
  const VectorField field = field_of("notes");
  EXPECT_EQ(field.dimension, 64U);
  ASSERT_TRUE(field.model.has_value());
  EXPECT_FALSE(field.model->empty());
  const auto written = service().write(context_, request({upsert("notes", "x", {"some words"})}));
  ASSERT_TRUE(written->transactions[0].has_value()) << written->transactions[0].error().to_string();
  EXPECT_EQ(database_->stored("default.notes", "x#0")->vector.size(), 64U);
  EXPECT_TRUE(embedder_->calls().empty());
}

TEST_F(ServiceLibraries, TheServersEmbedderServesWhenItsProviderIsNamed) {
  ASSERT_TRUE(create(with_embedding(R"({"provider": "fake"})")).has_value());
  EXPECT_EQ(field_of("notes").dimension, 4U);
  EXPECT_EQ(field_of("notes").model, "fake-model");
  ASSERT_TRUE(service().write(context_, request({upsert("notes", "x", {"a"})}))->transactions[0].has_value());
  EXPECT_EQ(embedder_->embedded(), std::vector<std::string>{"a"});
}

TEST_F(ServiceLibraries, WhatIsGivenMustAgreeWithTheEmbedder) {
  LibrarySpec dimension = with_embedding(R"({"provider": "hashed", "dimension": 64})");
  dimension.field.dimension = 65;
  const auto wrong_dimension = create(dimension);
  ASSERT_FALSE(wrong_dimension.has_value());
  EXPECT_EQ(wrong_dimension.error().code, ErrorCode::kEmbeddingContractViolation);
  EXPECT_EQ(wrong_dimension.error().field, "vectors.embedding.dimension");

  LibrarySpec model = with_embedding(R"({"provider": "fake"})");
  model.field.model = "other";
  EXPECT_EQ(told(create(model)),
            "embedding_contract_violation vectors.embedding.model: is 'other', but the embedder's model is "
            "'fake-model'");
  model.field.model = "fake-model";
  model.field.dimension = 4;
  EXPECT_EQ(told(create(model)), "ok");
}

TEST_F(ServiceLibraries, BadEmbeddingSettingsAreNamed) {
  EXPECT_EQ(create(with_embedding(R"({"provider": "nobody"})")).error().field.substr(0, 9), "embedding");
  EXPECT_EQ(create(with_embedding(R"({"model": "x"})")).error().field, "embedding.provider");
  EXPECT_EQ(create(with_embedding("[]")).error().field, "embedding");
  EXPECT_EQ(create(with_embedding(R"({"provider": "hashed", "dimensions": 64})")).error().field,
            "embedding.dimensions");
  EXPECT_EQ(told(create(with_embedding(R"({"provider": "hashed", "dimension": 10000})"))),
            "limit_exceeded embedding: this embedder makes 10000 dimensions, the limit is 8192");
  const auto other_model = create(with_embedding(R"({"provider": "fake", "model": "x"})"));
  EXPECT_EQ(other_model.error().code, ErrorCode::kEmbeddingContractViolation);
  EXPECT_EQ(other_model.error().field, "embedding.model");
}

TEST_F(ServiceLibraries, ARequestSettlesNothingThatIsTheServersConfiguration) {
  for (const char* settings :
       {R"({"provider": "local", "model_dir": "/etc"})", R"({"provider": "fake", "model_dir": "/etc"})",
        R"({"provider": "hashed", "model_dir": "/etc"})"}) {
    const auto refused = create(with_embedding(settings));
    ASSERT_FALSE(refused.has_value()) << settings;
    EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(refused.error().field, "embedding.model_dir");
    EXPECT_NE(refused.error().message.find("the server's configuration"), std::string::npos);
  }
  EXPECT_EQ(create(with_embedding(R"({"provider": "fake", "threads": 1024})")).error().field,
            "embedding.threads");
  EXPECT_EQ(create(with_embedding(R"({"provider": "fake", "query_prefix": ""})")).error().field,
            "embedding.query_prefix");
  EXPECT_EQ(create(with_embedding(R"({"provider": "fake", "dimension": 4})")).error().field,
            "embedding.dimension");
  EXPECT_EQ(
      told(create(with_embedding(R"({"provider": "local"})"))),
      "invalid_argument embedding.provider: this server has no embedder 'local': which one it has is set "
      "in its configuration");
  EXPECT_EQ(told(create(with_embedding(R"({"provider": "fake", "model": "fake-model"})"))), "ok");
}

TEST_F(ServiceLibraries, WhatIsSpecifiedAndNotBuiltSaysSo) {
  const auto refused = [&](const auto& change) {
    LibrarySpec spec = named("notes");
    change(spec);
    const auto created = create(spec);
    return created ? std::string("ok")
                   : std::string(error_name(created.error().code)) + " " + created.error().field;
  };
  EXPECT_EQ(refused([](auto& s) { s.kind = LibraryKind::kUser; }), "not_supported_yet kind");
  EXPECT_EQ(refused([](auto& s) { s.kind = LibraryKind::kStream; }), "not_supported_yet kind");
  EXPECT_EQ(refused([](auto& s) { s.kind = LibraryKind::kSystem; }), "invalid_argument kind");
  EXPECT_EQ(refused([](auto& s) { s.provider = "duckdb"; }), "not_supported_yet provider");
  EXPECT_EQ(refused([](auto& s) { s.field.element = ElementType::kF16; }),
            "not_supported_yet vectors.embedding.element");
  EXPECT_EQ(refused([](auto& s) { s.index = json(R"({"kind": "hnsw"})"); }), "not_supported_yet index.kind");
  EXPECT_EQ(refused([](auto& s) { s.index = json(R"({"kind": "btree"})"); }), "invalid_argument index.kind");
  EXPECT_EQ(refused([](auto& s) { s.index = json(R"({"kind": 1})"); }), "invalid_argument index.kind");
  EXPECT_EQ(refused([](auto& s) { s.index = json(R"({"ef": 1})"); }), "invalid_argument index.ef");
  EXPECT_EQ(refused([](auto& s) { s.index = json(R"({"target_recall": 1.5})"); }),
            "invalid_argument index.target_recall");
  EXPECT_EQ(refused([](auto& s) { s.chunking = json(R"({"size": 1})"); }), "invalid_argument chunking.size");
  EXPECT_EQ(refused([](auto& s) { s.field.normalize = false; }),
            "invalid_argument vectors.embedding.normalize");
  EXPECT_EQ(refused([](auto& s) { s.field.dimension = 8193; }), "limit_exceeded vectors.embedding.dimension");
  EXPECT_EQ(refused([](auto& s) { s.metadata.set("x", std::string(70'000, 'x')); }),
            "limit_exceeded metadata");
  EXPECT_EQ(service().libraries(context_, "", 10)->size(), 0U);
  EXPECT_EQ(refused([](auto& s) {
              s.field.metric = Metric::kDot;
              s.field.normalize = false;
              s.index = json(R"({"kind": "flat", "target_recall": 0.9})");
              s.chunking = json(R"({"max_bytes": 500})");
            }),
            "ok");
}

TEST_F(ServiceLibraries, ChunkingMayNotExceedTheLimitOnText) {
  options_.limits.max_text_bytes = 1000;
  LibrarySpec spec = named("notes");
  spec.chunking = json(R"({"max_bytes": 1001})");
  EXPECT_EQ(create(spec).error().field, "chunking.max_bytes");
}

TEST_F(ServiceLibraries, UpdatesAreCheckedAsTheyWillStand) {
  LibrarySpec spec = named("notes");
  spec.chunking = json(R"({"max_bytes": 500, "min_bytes": 400})");
  spec.metadata = json(R"({"a": 1})");
  ASSERT_TRUE(create(spec).has_value());
  const auto update = [&](std::string_view metadata, std::string_view index, std::string_view chunking) {
    return service().update_library(context_, {"notes", json(metadata), json(index), json(chunking)}, {});
  };
  EXPECT_EQ(update("{}", "{}", R"({"max_bytes": 300})").error().field, "chunking.min_bytes");
  EXPECT_EQ(update("{}", R"({"kind": "hnsw"})", "{}").error().code, ErrorCode::kNotSupportedYet);
  EXPECT_EQ(update("[]", "{}", "{}").error().field, "metadata");
  ASSERT_TRUE(update(R"({"a": null, "b": 2})", "{}", R"({"max_bytes": 300, "min_bytes": null})").has_value());
  const LibrarySpec now = service().library(context_, "notes")->definition.spec;
  EXPECT_EQ(now.metadata, json(R"({"b": 2})"));
  EXPECT_EQ(now.chunking, json(R"({"max_bytes": 300})"));
}

TEST_F(ServiceLibraries, AProviderIsThereFromCreationToDrop) {
  EXPECT_EQ(service().table_provider_count(), 0U);
  ASSERT_TRUE(create(named("notes")).has_value());
  EXPECT_EQ(service().table_provider_count(), 1U);
  ASSERT_TRUE(service().write(context_, request({upsert("default:notes", "x", {"a"})})).has_value());
  EXPECT_EQ(service().table_provider_count(), 1U);
  ASSERT_TRUE(service().drop_library(context_, "default:notes", {}).has_value());
  EXPECT_EQ(service().table_provider_count(), 0U);
  EXPECT_EQ(service().library(context_, "notes").error().code, ErrorCode::kLibraryNotFound);
}

TEST_F(ServiceLibraries, ALibraryCreatedAnewHasItsOwnEmbedder) {
  ASSERT_TRUE(create(with_embedding(R"({"provider": "hashed", "dimension": 64})")).has_value());
  ASSERT_TRUE(service().drop_library(context_, "notes", {}).has_value());
  ASSERT_TRUE(create(with_embedding(R"({"provider": "hashed", "dimension": 96})")).has_value());
  ASSERT_TRUE(
      service().write(context_, request({upsert("notes", "x", {"words"})}))->transactions[0].has_value());
  EXPECT_EQ(database_->stored("default.notes", "x#0")->vector.size(), 96U);
}

}  // namespace
}  // namespace sextant
