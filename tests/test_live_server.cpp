// The live report: one page, for this machine alone, while training goes on.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "app/live_server.h"
#include "tests/test_cli_program.h"

namespace {

using namespace triptych;
using app::LiveServer;

int connected(int port, in_addr_t to = INADDR_LOOPBACK) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(to);
  const int s = ::socket(AF_INET, SOCK_STREAM, 0);
  if (::connect(s, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return s;
  ::close(s);
  return -1;
}

std::string answer(int port, const std::string& request) {
  const int s = connected(port);
  REQUIRE(s >= 0);
  REQUIRE(::send(s, request.data(), request.size(), MSG_NOSIGNAL) >= 0);
  ::shutdown(s, SHUT_WR);
  std::string all;
  char part[4096];
  for (ssize_t n; (n = ::recv(s, part, sizeof part, 0)) > 0;) all.append(part, static_cast<std::size_t>(n));
  ::close(s);
  return all;
}

std::string request(const std::string& first, const std::string& host = "127.0.0.1") {
  return first + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n";
}

}  // namespace

TEST_CASE("live server: the page for this machine, nothing else for anybody") {
  LiveServer server(0);
  const std::string local = "127.0.0.1:" + std::to_string(server.port());
  CHECK(server.address() == "http://" + local + "/");
  server.show([] { return std::string("<p>first"); });
  const std::string page = answer(server.port(), request("GET /", local));
  CHECK(page.starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(page.find("Content-Type: text/html; charset=utf-8\r\n") != std::string::npos);
  CHECK(page.find("Content-Length: 8\r\n") != std::string::npos);
  CHECK(page.ends_with("\r\n\r\n<p>first"));
  CHECK(answer(server.port(), request("GET /?again", "LOCALHOST")).ends_with("<p>first"));
  CHECK(answer(server.port(), request("HEAD /")).ends_with("\r\n\r\n"));

  server.show([]() -> std::string { throw std::runtime_error("no file"); });
  CHECK(answer(server.port(), request("GET /")).starts_with("HTTP/1.1 500 "));
  server.show([] { return std::string("<p>second"); });
  CHECK(answer(server.port(), request("GET /")).ends_with("<p>second"));

  CHECK(answer(server.port(), request("GET /", "evil.example")).starts_with("HTTP/1.1 403 "));
  CHECK(answer(server.port(), request("GET /", "evil.example:" + std::to_string(server.port())))
            .starts_with("HTTP/1.1 403 "));
  CHECK(answer(server.port(), "GET / HTTP/1.0\r\n\r\n").starts_with("HTTP/1.1 403 "));
  CHECK(answer(server.port(), request("GET /../etc/passwd")).starts_with("HTTP/1.1 404 "));
  CHECK(answer(server.port(), request("POST /")).starts_with("HTTP/1.1 405 "));
  CHECK(answer(server.port(), "GET / HTTP/1.1\r\nHost: 127").starts_with("HTTP/1.1 400 "));
  CHECK(answer(server.port(), "GET /" + std::string(20000, 'a')).find("200 OK") == std::string::npos);
  CHECK(connected(server.port(), INADDR_LOOPBACK + 1) < 0);  // 127.0.0.2: another address of the same machine
}

TEST_CASE("live server: it ends at once unless somebody is watching") {
  using Clock = std::chrono::steady_clock;
  LiveServer server(0);
  server.show([] { return std::string("page"); });
  const auto start = Clock::now();
  server.wait_for_reader(600);  // nobody ever asked
  CHECK(Clock::now() - start < std::chrono::seconds(300));
  answer(server.port(), request("GET /"));
  server.show([] { return std::string("last"); });
  std::string seen;
  std::thread reader([&] { seen = answer(server.port(), request("GET /")); });
  server.wait_for_reader(600);
  reader.join();
  CHECK(seen.ends_with("last"));
}

TEST_CASE("train --serve: a port that is taken is refused before anything is written") {
  const io_test::TempDir dir;
  LiveServer taken(0);
  const std::string port = std::to_string(taken.port());
  cli_test::check_refusals(
      {{{"train", "--data", "emoji", "--out", dir / "run", "--serve", port}, 6, "127.0.0.1:" + port + " cannot be had"},
       {{"train", "--data", "emoji", "--out", dir / "run", "--serve", "65536"}, 2, "--serve: '65536' must be"},
       {{"train", "--data", "emoji", "--out", dir / "run", "--serve", "x"}, 2, "--serve: 'x' must be"}});
  CHECK(!std::filesystem::exists(dir / "run"));
}
