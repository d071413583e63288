#include "service/write_preparation.h"

#include <fmt/format.h>

#include <optional>
#include <unordered_map>

#include "service/request_checks.h"

namespace sextant {

namespace {

/// Where an operation stands in the request.
struct Position {
  std::size_t transaction = 0;
  std::size_t operation = 0;

  Error locate(Error error) const {
    return in_field(fmt::format("operations[{}]", operation), std::move(error));
  }
};

/// The operations on one library, in the order of the request.
struct LibraryWork {
  std::shared_ptr<TableProvider> table;
  std::vector<Operation*> operations;
  std::vector<Position> positions;
};

class Preparation {
 public:
  Preparation(const RequestContext& context, const ServiceLimits& limits, SchemaCache& schemas,
              std::vector<TransactionInput>& transactions)
      : context_(context),
        limits_(limits),
        schemas_(schemas),
        transactions_(transactions),
        embedded_(limits),
        end_(transactions.size()) {}

  void run() {
    for (std::size_t t = 0; t < end_; ++t) check_transaction(t);
    for (LibraryWork& work : works_) complete(work);
    if (!failure_) return;
    transactions_.resize(end_ + 1);
    transactions_[end_].rejected = std::move(failure_);
  }

 private:
  void reject(std::size_t transaction, Error error) {
    end_ = transaction;
    failure_ = std::move(error);
  }

  void check_transaction(std::size_t t) {
    TransactionInput& transaction = transactions_[t];
    if (transaction.rejected) return reject(t, *std::move(transaction.rejected));
    for (std::size_t j = 0; j < transaction.operations.size(); ++j) {
      if (auto status = place({t, j}); !status)
        return reject(t, Position{t, j}.locate(std::move(status).error()));
    }
  }

  // Checks an operation and puts it to the others on its library.
  Status place(Position position) {
    Operation& operation = transactions_[position.transaction].operations[position.operation];
    TRY(check_operation(operation, limits_));
    TRY(embedded_.add(operation));
    std::string* const library = library_of(operation);
    TRY_ASSIGN(const std::size_t index, work_on(*library));
    LibraryWork& work = works_[index];
    *library = work.table->library();
    work.operations.push_back(&operation);
    work.positions.push_back(position);
    return {};
  }

  Result<std::size_t> work_on(const std::string& library) {
    if (const auto known = work_of_.find(library); known != work_of_.end()) return known->second;
    TRY_ASSIGN(auto table, schemas_.provider(context_, library));
    const auto [full, is_new] = work_of_.try_emplace(table->library(), works_.size());
    const std::size_t index = full->second;
    if (is_new) works_.push_back({std::move(table), {}, {}});
    work_of_.emplace(library, index);  // another spelling
    return index;
  }

  static std::string* library_of(Operation& operation) {
    return std::visit(
        [](auto& o) -> std::string* {
          if constexpr (requires { o.library; }) {
            return &o.library;
          } else {
            return nullptr;  // refused by check_operation
          }
        },
        operation);
  }

  // A failure moves the end forward; what stands before it is then completed by another round.
  void complete(LibraryWork& work) {
    while (true) {
      std::size_t count = work.operations.size();
      while (count > 0 && work.positions[count - 1].transaction >= end_) --count;
      auto completed = work.table->complete(context_, std::span(work.operations).first(count));
      if (completed) return;
      const Position& position = work.positions[completed.error().operation];
      reject(position.transaction, position.locate(std::move(completed.error().error)));
    }
  }

  const RequestContext& context_;
  const ServiceLimits& limits_;
  SchemaCache& schemas_;
  std::vector<TransactionInput>& transactions_;
  EmbeddedBytes embedded_;
  std::size_t end_;               // transactions before it are sound so far
  std::optional<Error> failure_;  // of transactions_[end_]
  std::vector<LibraryWork> works_;
  std::unordered_map<std::string, std::size_t> work_of_;  // library, however it was spelt -> works_
};

}  // namespace

void prepare_transactions(const RequestContext& context, const ServiceLimits& limits, SchemaCache& schemas,
                          std::vector<TransactionInput>& transactions) {
  Preparation(context, limits, schemas, transactions).run();
}

}  // namespace sextant
