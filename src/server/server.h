// Server: REST v1 over HTTP for one Service.
//
// Thread rule: stop() from any thread, also from several. The service must outlive the server; close it after
// stop().
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "server/http_server.h"
#include "server/request_scope.h"
#include "service/service.h"

namespace sextant {

struct ServerOptions {
  std::string listen = "127.0.0.1:7878";  // see parse_listen_address; port 0 asks for a free one
  std::vector<ApiKey> api_keys;           // none: everyone who reaches the address is the local user
  bool access_log = true;
  HttpServerOptions http;  // its address is made from `listen`
};

class Server {
 public:
  /// kInvalidArgument for options that cannot be, without listening: to be asked before anything is opened.
  static Status check(const ServerOptions& options);
  /// Listens and serves. kInvalidArgument for options that cannot be, among them an address that others can
  /// reach without any key; kIo when the address cannot be had.
  static Result<std::unique_ptr<Server>> start(Service& service, ServerOptions options);
  /// stop(0).
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Where it listens: "127.0.0.1:7878".
  std::string address() const;

  /// Takes no more requests, lets those in flight finish, and cuts clients that have not taken their answer
  /// within `grace_ms`. Returns when all is quiet.
  void stop(int grace_ms);

 private:
  struct Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sextant
