// A fiber: a function with its own stack that can be left and re-entered. One emulated GPU thread runs on
// each.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

namespace sramsim::emulator {

class Fiber {
 public:
  explicit Fiber(size_t stack_bytes = size_t{256} << 10);
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  /// Prepares `body` to run from its beginning at the next resume(). It must not let an exception escape. A
  /// body that has not finished is forgotten: nothing on its stack is destroyed.
  void start(std::function<void()> body);
  void resume();  ///< runs until the body yields or finishes
  bool finished() const;
  static void yield();  ///< from inside a body: back to resume()

 private:
  struct State;
  static void enter(unsigned low, unsigned high);
  std::unique_ptr<State> state_;
};

}  // namespace sramsim::emulator
