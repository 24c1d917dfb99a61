// One page over HTTP on this machine alone, for a browser that watches a run.
//
//   listens    on 127.0.0.1, never on another interface
//   answers    GET and HEAD of "/"; 404, 405 and 400 for the rest; one request a connection, one connection at a time
//   refuses    a Host other than 127.0.0.1 or localhost with 403: a web page elsewhere could otherwise make the browser
//              read this one under a name of its own (DNS rebinding)
//   bounds     8 KiB and 2 s for a request, 2 s without progress for an answer
//   source     RFC 9112 (HTTP/1.1)
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace triptych::app {

class LiveServer {
 public:
  using Page = std::function<std::string()>;

  // Takes the port; 0: any that is free. Throws Error(resources, "serve.port") when it cannot be had.
  explicit LiveServer(std::int64_t port);
  ~LiveServer();
  LiveServer(const LiveServer&) = delete;
  LiveServer& operator=(const LiveServer&) = delete;

  int port() const { return port_; }
  std::string address() const { return "http://127.0.0.1:" + std::to_string(port_) + "/"; }

  // What "/" answers from now on; the first call starts answering. `page` is called on the server's thread, one call at
  // a time; what it throws is a 500.
  void show(Page page);

  // Waits until somebody has been given the page shown last, for a browser that loads it again every `every` seconds:
  // at most twice as long, and not at all when nobody asked in that time.
  void wait_for_reader(int every);

 private:
  void serve();
  void answer(int connection);
  std::string response(const std::string& request);

  int listener_ = -1, wake_[2] = {-1, -1};  // a byte in wake_ ends serve()
  int port_ = 0;
  std::mutex mutex_;  // of page_
  Page page_;
  std::atomic<std::int64_t> last_asked_{0};  // steady clock, ms; 0: never
  std::atomic<bool> given_{false};           // the page shown last
  std::thread thread_;
};

}  // namespace triptych::app
