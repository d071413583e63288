// Admission: how many requests are being worked on, and the refusal of those beyond the limit.
//
// Any thread. It must outlive its tickets.
#pragma once

#include <atomic>
#include <cstddef>
#include <optional>
#include <utility>

namespace sextant {

class Admission {
 public:
  explicit Admission(std::size_t limit) : limit_(limit) {}

  /// A request's place; given back when it is destroyed.
  class Ticket {
   public:
    explicit Ticket(Admission& admission) : admission_(&admission) {}
    ~Ticket() {
      if (admission_ != nullptr) admission_->in_flight_.fetch_sub(1, std::memory_order_relaxed);
    }
    Ticket(Ticket&& other) noexcept : admission_(std::exchange(other.admission_, nullptr)) {}
    Ticket& operator=(Ticket&& other) noexcept {
      std::swap(admission_, other.admission_);
      return *this;
    }
    Ticket(const Ticket&) = delete;
    Ticket& operator=(const Ticket&) = delete;

   private:
    Admission* admission_;
  };

  /// Nothing when the limit is reached.
  std::optional<Ticket> admit() {
    std::size_t now = in_flight_.load(std::memory_order_relaxed);
    while (now < limit_) {
      if (in_flight_.compare_exchange_weak(now, now + 1, std::memory_order_relaxed)) {
        return std::optional<Ticket>(std::in_place, *this);
      }
    }
    refused_.fetch_add(1, std::memory_order_relaxed);
    return std::nullopt;
  }

  std::size_t limit() const { return limit_; }
  std::size_t in_flight() const { return in_flight_.load(std::memory_order_relaxed); }
  std::size_t refused() const { return refused_.load(std::memory_order_relaxed); }

 private:
  std::size_t limit_;
  std::atomic<std::size_t> in_flight_{0};
  std::atomic<std::size_t> refused_{0};
};

}  // namespace sextant
