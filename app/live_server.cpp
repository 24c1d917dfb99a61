#include "app/live_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <exception>

#include "core/error.h"

namespace triptych::app {
namespace {

constexpr std::size_t largest_request = 8192;
constexpr std::int64_t patience_ms = 2000;

std::int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

bool ready(int socket, short events, std::int64_t deadline) {
  pollfd one{socket, events, 0};
  const std::int64_t left = deadline - now_ms();
  return left > 0 && ::poll(&one, 1, static_cast<int>(left)) == 1;
}

// The request's head, or "" when it does not come whole.
std::string read_head(int connection) {
  std::string head;
  char part[2048];
  const std::int64_t deadline = now_ms() + patience_ms;
  while (head.find("\r\n\r\n") == std::string::npos) {
    if (head.size() > largest_request || !ready(connection, POLLIN, deadline)) return {};
    const ssize_t n = ::recv(connection, part, sizeof part, 0);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (n <= 0) return {};
    head.append(part, static_cast<std::size_t>(n));
  }
  return head;
}

void send_all(int connection, std::string_view text) {
  const std::int64_t deadline = now_ms() + 5 * patience_ms;  // of the whole answer: a slow reader must not hold us up
  while (!text.empty() && ready(connection, POLLOUT, deadline)) {
    const ssize_t n = ::send(connection, text.data(), text.size(), MSG_NOSIGNAL);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (n <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
}

// The value of a header field in small letters, without blanks around it; "" when it is missing.
std::string field(const std::string& head, std::string_view name) {
  std::string low = head;
  for (char& c : low) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  const std::size_t at = low.find("\r\n" + std::string(name) + ":");
  if (at == std::string::npos) return {};
  const std::size_t from = low.find_first_not_of(" \t", at + 3 + name.size());
  std::string value = low.substr(from, low.find("\r\n", from) - from);
  return value.substr(0, value.find_last_not_of(" \t") + 1);
}

std::string reply(const std::string& status, const std::string& body, bool with_body, const char* type = "text/plain") {
  return "HTTP/1.1 " + status + "\r\nContent-Type: " + type +
         "; charset=utf-8\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\nConnection: close\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
         "Content-Security-Policy: frame-ancestors 'none'\r\n\r\n" +
         (with_body ? body : "");
}

}  // namespace

LiveServer::LiveServer(std::int64_t port) {
  const auto fail = [&](const char* problem, int error) {
    if (listener_ >= 0) ::close(listener_);
    throw Error(Exit::resources, "serve.port",
                "--serve " + std::to_string(port) + ": 127.0.0.1:" + std::to_string(port) + " " + problem + ": " +
                    std::strerror(error),
                {}, "choose another port, or 0 for any that is free");
  };
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (listener_ < 0) fail("cannot be opened", errno);
  const int yes = 1;  // a port that was in use a minute ago is free
  ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener_, generic, size) != 0 || ::listen(listener_, 8) != 0) fail("cannot be had", errno);
  if (::getsockname(listener_, generic, &size) != 0 || ::pipe2(wake_, O_CLOEXEC) != 0) fail("cannot be had", errno);
  port_ = ntohs(address.sin_port);
}

LiveServer::~LiveServer() {
  if (thread_.joinable()) {
    while (::write(wake_[1], "", 1) < 0 && errno == EINTR) {
    }
    thread_.join();
  }
  for (const int fd : {listener_, wake_[0], wake_[1]}) ::close(fd);
}

void LiveServer::show(Page page) {
  {
    const std::lock_guard lock(mutex_);
    page_ = std::move(page);
    given_ = false;
  }
  if (thread_.joinable()) return;
  sigset_t all, before;  // signals are the main thread's
  sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { serve(); });
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void LiveServer::wait_for_reader(int every) {
  const std::int64_t patience = 2000 * static_cast<std::int64_t>(every), from = now_ms();
  if (last_asked_ == 0 || from - last_asked_ > patience) return;
  while (!given_ && now_ms() - from < patience) std::this_thread::sleep_for(std::chrono::milliseconds(50));
}

void LiveServer::serve() {
  pollfd both[] = {{listener_, POLLIN, 0}, {wake_[0], POLLIN, 0}};
  for (;;) {
    if (::poll(both, 2, -1) < 0 && errno != EINTR) return;
    if (both[1].revents != 0) return;
    const int connection = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (connection < 0) {  // the other side has gone, or there are no descriptors left for now
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      continue;
    }
    answer(connection);
    ::close(connection);
  }
}

void LiveServer::answer(int connection) {
  const std::string head = read_head(connection);
  send_all(connection,
           head.empty() ? reply("400 Bad Request", "a request of at most 8 KiB within 2 s\n", true) : response(head));
  ::shutdown(connection, SHUT_WR);
}

std::string LiveServer::response(const std::string& head) {
  const std::string host = field(head, "host"), name = host.substr(0, host.rfind(':'));
  if (name != "127.0.0.1" && name != "localhost") return reply("403 Forbidden", "only for 127.0.0.1\n", true);
  const bool get = head.starts_with("GET ");
  if (!get && !head.starts_with("HEAD ")) return reply("405 Method Not Allowed", "only GET and HEAD\n", true);
  const std::size_t from = head.find(' ') + 1;
  const std::string target = head.substr(from, head.find_first_of(" ?\r", from) - from);
  if (target != "/") return reply("404 Not Found", "only /\n", get);
  const std::lock_guard lock(mutex_);
  last_asked_ = now_ms();
  try {
    std::string page = reply("200 OK", page_(), get, "text/html");
    if (get) given_ = true;
    return page;
  } catch (const std::exception& e) {
    return reply("500 Internal Server Error", std::string(e.what()) + "\n", get);
  }
}

}  // namespace triptych::app
