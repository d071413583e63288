#include "server/server.h"

#include <atomic>

#include "server/api.h"

namespace sextant {

struct Server::Impl {
  Impl(Service& service, const ApiOptions& options) : api(service, options) {}
  Api api;
  std::unique_ptr<HttpServer> http;
  std::atomic<HttpServer*> running{nullptr};  // what requests may see of it, while they arrive
};

namespace {

Status check_options(const ServerOptions& options) {
  for (const ApiKey& key : options.api_keys) {
    if (key.secret.empty())
      return fail(ErrorCode::kInvalidArgument, "the API key '" + key.name + "' is empty");
  }
  if (!options.http.address.loopback && options.api_keys.empty()) {
    return fail(ErrorCode::kInvalidArgument,
                "others can reach " + options.http.address.to_string() +
                    ", so an API key must be configured; without one, listen on 127.0.0.1 or [::1]");
  }
  return {};
}

}  // namespace

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() { stop(0); }

Status Server::check(const ServerOptions& options) {
  ServerOptions resolved = options;
  TRY_ASSIGN(resolved.http.address, parse_listen_address(options.listen));
  return check_options(resolved);
}

Result<std::unique_ptr<Server>> Server::start(Service& service, ServerOptions options) {
  TRY_ASSIGN(options.http.address, parse_listen_address(options.listen));
  TRY(check_options(options));
  auto impl = std::make_unique<Impl>(service, ApiOptions{options.api_keys, options.access_log});
  impl->api.facts().http = [impl = impl.get()] {
    const HttpServer* http = impl->running.load();
    return http == nullptr ? HttpServerStats{} : http->stats();
  };
  TRY_ASSIGN(impl->http, HttpServer::start(options.http, impl->api));
  impl->running = impl->http.get();
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

std::string Server::address() const { return impl_->http->address(); }

void Server::stop(int grace_ms) {
  impl_->api.facts().stopping.store(true);
  impl_->http->stop(grace_ms);
}

}  // namespace sextant
