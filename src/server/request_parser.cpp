#include "server/request_parser.h"

#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <limits>
#include <optional>

namespace sextant {

namespace http = boost::beast::http;
using boost::beast::error_code;

namespace {

HttpMethod to_method(http::verb verb) {
  switch (verb) {
    case http::verb::get:
      return HttpMethod::kGet;
    case http::verb::head:
      return HttpMethod::kHead;
    case http::verb::post:
      return HttpMethod::kPost;
    case http::verb::put:
      return HttpMethod::kPut;
    case http::verb::patch:
      return HttpMethod::kPatch;
    case http::verb::delete_:
      return HttpMethod::kDelete;
    case http::verb::options:
      return HttpMethod::kOptions;
    default:
      return HttpMethod::kOther;
  }
}

std::string_view view(boost::beast::string_view text) { return {text.data(), text.size()}; }

constexpr std::size_t kMaxHeaders = 100;
constexpr std::size_t kLargestReserve = 1U << 20U;  // a Content-Length alone must not make us allocate more

}  // namespace

class RequestParser::Grammar final : public http::basic_parser<true> {
 public:
  Grammar(RequestHead& head, std::string& body, std::size_t max_header_bytes)
      : head_(head), body_(body), max_header_bytes_(max_header_bytes) {
    header_limit(static_cast<std::uint32_t>(max_header_bytes));
    // Ours depends on the route, so it is the connection's business. Boost 1.74 takes boost::none for zero.
    body_limit(std::numeric_limits<std::uint64_t>::max());
  }

  bool unknown_coding() const { return unknown_coding_; }

 private:
  void on_request_impl(http::verb verb, boost::beast::string_view /*method*/,
                       boost::beast::string_view target, int version, error_code& ec) override {
    head_.method = to_method(verb);
    head_.set_target(view(target));
    head_.http11 = version >= 11;
    check_size(ec);
  }
  void on_response_impl(int /*code*/, boost::beast::string_view /*reason*/, int /*version*/,
                        error_code& /*ec*/) override {}

  void on_field_impl(http::field name, boost::beast::string_view name_text, boost::beast::string_view value,
                     error_code& ec) override {
    if (is_header_done()) return;  // a trailer: allowed, never looked at
    // Beast takes any list that ends in "chunked" for chunked, and anything else for a request without body.
    // Both would make us and a proxy before us see different requests.
    if (name == http::field::transfer_encoding && !equals_ignoring_case(view(value), "chunked"))
      unknown_coding_ = true;
    head_.add_header(view(name_text), view(value));
    // Beast measures what one call sees; a head that trickles in line by line is measured here.
    if (++headers_ > kMaxHeaders) ec = http::error::header_limit;
    check_size(ec);
  }
  void on_header_impl(error_code& ec) override {
    head_.keep_alive = keep_alive();
    head_.chunked = chunked();
    if (const auto length = content_length()) head_.content_length = *length;
    if (unknown_coding_) ec = http::error::bad_transfer_encoding;
  }
  void on_body_init_impl(boost::optional<std::uint64_t> const& length, error_code& /*ec*/) override {
    if (length) body_.reserve(static_cast<std::size_t>(std::min<std::uint64_t>(*length, kLargestReserve)));
  }
  std::size_t on_body_impl(boost::beast::string_view bytes, error_code& /*ec*/) override {
    body_.append(bytes.data(), bytes.size());
    return bytes.size();
  }
  void on_chunk_header_impl(std::uint64_t /*size*/, boost::beast::string_view /*extensions*/,
                            error_code& /*ec*/) override {}
  std::size_t on_chunk_body_impl(std::uint64_t /*remain*/, boost::beast::string_view bytes,
                                 error_code& /*ec*/) override {
    body_.append(bytes.data(), bytes.size());
    return bytes.size();
  }
  void on_finish_impl(error_code& /*ec*/) override {}

  void check_size(error_code& ec) const {
    if (head_.bytes() > max_header_bytes_) ec = http::error::header_limit;
  }

  RequestHead& head_;
  std::string& body_;
  std::size_t max_header_bytes_;
  std::size_t headers_ = 0;
  bool unknown_coding_ = false;
};

struct RequestParser::State {
  explicit State(std::size_t limit) : max_header_bytes(limit) { grammar.emplace(head, body, limit); }
  std::size_t max_header_bytes;
  RequestHead head;
  std::string body;
  std::optional<Grammar> grammar;  // Beast's parser reads one message and cannot be reset
};

RequestParser::RequestParser(std::size_t max_header_bytes)
    : state_(std::make_unique<State>(max_header_bytes)) {}
RequestParser::~RequestParser() = default;

Result<std::size_t> RequestParser::put(std::string_view bytes) {
  Grammar& grammar = *state_->grammar;
  if (grammar.is_done()) return std::size_t{0};
  // Not eager, it stops behind the head; behind that it shall take all it can.
  grammar.eager(grammar.is_header_done());
  error_code ec;
  const std::size_t used = grammar.put(boost::asio::const_buffer(bytes.data(), bytes.size()), ec);
  if (!ec || ec == http::error::need_more) return used;
  if (ec == http::error::header_limit) {
    return fail(ErrorCode::kLimitExceeded, "the request's head exceeds " +
                                               std::to_string(state_->max_header_bytes) + " bytes or " +
                                               std::to_string(kMaxHeaders) + " headers");
  }
  if (grammar.unknown_coding()) {
    return fail(ErrorCode::kNotSupportedYet, "the only transfer coding understood is chunked");
  }
  return fail(ErrorCode::kInvalidArgument, "malformed HTTP request: " + ec.message());
}

bool RequestParser::head_done() const { return state_->grammar->is_header_done(); }
bool RequestParser::done() const { return state_->grammar->is_done(); }
const RequestHead& RequestParser::head() const { return state_->head; }
std::string& RequestParser::body() { return state_->body; }

void RequestParser::next() {
  state_->head.clear();
  state_->body.clear();
  state_->grammar.emplace(state_->head, state_->body, state_->max_header_bytes);
}

}  // namespace sextant
