// A Service over fakes, and short ways to make what tests give to it.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "providers/testing/fake_database.h"
#include "providers/testing/fake_embedder.h"
#include "service/service.h"

namespace sextant {

class ServiceFixture : public ::testing::Test {
 protected:
  void SetUp() override { add_library("default.notes"); }

  void add_library(const std::string& name) {
    LibrarySpec spec;
    spec.name = name;
    database_->add_library(std::move(spec));
  }
  /// Made at its first use, so that a test can set options_ before.
  Service& service() {
    if (service_ == nullptr) service_ = std::make_unique<Service>(database_, embedder_, options_);
    return *service_;
  }

  static Operation upsert(const std::string& library, const std::string& id,
                          const std::vector<std::string>& texts) {
    UpsertDocument operation;
    operation.library = library;
    operation.document.id = id;
    for (const std::string& text : texts) {
      operation.document.chunks.emplace_back();
      operation.document.chunks.back().text = text;
    }
    return operation;
  }
  /// One transaction an operation.
  static WriteRequest request(std::vector<Operation> operations) {
    WriteRequest request;
    for (Operation& operation : operations)
      request.transactions.push_back({.operations = {std::move(operation)}});
    return request;
  }
  static LibrarySpec named(std::string name) {
    LibrarySpec spec;
    spec.name = std::move(name);
    return spec;
  }
  static Json json(std::string_view text) { return parse_json(text).value(); }

  RequestContext context_;
  ServiceOptions options_;
  std::shared_ptr<FakeDatabase> database_ = std::make_shared<FakeDatabase>();
  std::shared_ptr<FakeEmbedder> embedder_ = std::make_shared<FakeEmbedder>();

 private:
  std::unique_ptr<Service> service_;
};

/// "code field: message", or "ok".
template <typename T>
std::string told(const Result<T>& result) {
  if (result) return "ok";
  return std::string(error_name(result.error().code)) + " " + result.error().field + ": " +
         result.error().message;
}

}  // namespace sextant
