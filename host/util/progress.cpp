#include "host/util/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace sramsim {
namespace {

constexpr int kBarCells = 30;
constexpr auto kRedraw = std::chrono::milliseconds(100);
constexpr auto kPlainLine = std::chrono::seconds(10);
constexpr const char* kClearLine = "\r\x1b[K";

double seconds_between(std::chrono::steady_clock::time_point a, std::chrono::steady_clock::time_point b) {
  return std::chrono::duration<double>(b - a).count();
}

}  // namespace

std::string format_duration(double seconds) {
  const auto whole = static_cast<int64_t>(std::llround(std::max(0.0, seconds)));
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} h {:02} min", whole / 3600, whole % 3600 / 60);
}

Progress::Progress(std::string label, std::string unit, int64_t total, bool enabled)
    : label_(std::move(label)),
      unit_(std::move(unit)),
      total_(std::max<int64_t>(total, 1)),
      enabled_(enabled),
      terminal_(enabled && isatty(STDERR_FILENO)) {}

Progress::~Progress() {
  finish();
}

void Progress::update(int64_t done, const std::string& note) {
  if (!enabled_) return;
  const auto now = Clock::now();
  const bool due =
      terminal_ ? (!drawn_ || done >= total_ || now - shown_ >= kRedraw) : now - shown_ >= kPlainLine;
  if (!due) return;
  shown_ = now;
  const double elapsed = seconds_between(start_, now);
  const double fraction = std::clamp(static_cast<double>(done) / static_cast<double>(total_), 0.0, 1.0);
  const double rate = elapsed > 0 ? static_cast<double>(done) / elapsed : 0.0;
  const std::string left =
      rate > 0 ? format_duration(static_cast<double>(total_ - done) / rate) + " left" : std::string("...");
  std::string line = fmt::format("{}/{} {}, {:.4g} {}/s, {}{}{}", done, total_, unit_, rate, unit_, left,
                                 note.empty() ? "" : ", ", note);
  if (terminal_) {
    const int full = static_cast<int>(fraction * kBarCells);
    line = fmt::format("{}{} [{}{}] {:3.0f} %  {}", kClearLine, label_, std::string(full, '#'),
                       std::string(kBarCells - full, '.'), fraction * 100, line);
  } else {
    line = fmt::format("{}: {}\n", label_, line);
  }
  std::fwrite(line.data(), 1, line.size(), stderr);
  std::fflush(stderr);
  drawn_ = true;
}

void Progress::finish() {
  if (terminal_ && drawn_) {
    std::fputs(kClearLine, stderr);
    std::fflush(stderr);
  }
  drawn_ = false;
}

}  // namespace sramsim
