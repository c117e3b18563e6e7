// Fibers by ucontext; after its first entry a fiber is switched by _setjmp/_longjmp, which need no system
// call.
#undef _FORTIFY_SOURCE  // its longjmp refuses to leave a stack
#include "tests/emulator/fiber.h"

#include <setjmp.h>
#include <ucontext.h>

#include <cstdint>
#include <memory>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#define SRAMSIM_FIBER_SANITIZER 1
#endif

namespace sramsim::emulator {

struct Fiber::State {
  std::unique_ptr<char[]> stack;  // left uninitialised: most of it is never touched
  size_t stack_bytes = 0;
  std::function<void()> body;
  ucontext_t context{}, caller{};
  jmp_buf inside{}, outside{};
  bool entered = false, finished = true;
#ifdef SRAMSIM_FIBER_SANITIZER
  void* own_fake = nullptr;
  void* caller_fake = nullptr;
  const void* caller_stack = nullptr;
  size_t caller_bytes = 0;
#endif
};

namespace {
Fiber* running = nullptr;
}

Fiber::Fiber(size_t stack_bytes) : state_(std::make_unique<State>()) {
  state_->stack = std::make_unique_for_overwrite<char[]>(stack_bytes);
  state_->stack_bytes = stack_bytes;
}
Fiber::~Fiber() = default;

bool Fiber::finished() const {
  return state_->finished;
}

void Fiber::start(std::function<void()> body) {
  State& s = *state_;
  s.body = std::move(body);
  s.entered = s.finished = false;
  getcontext(&s.context);
  s.context.uc_stack.ss_sp = s.stack.get();
  s.context.uc_stack.ss_size = s.stack_bytes;
  s.context.uc_link = nullptr;
  const auto self = reinterpret_cast<uintptr_t>(this);  // makecontext passes ints only
  makecontext(&s.context, reinterpret_cast<void (*)()>(&Fiber::enter), 2, static_cast<unsigned>(self),
              static_cast<unsigned>(uint64_t{self} >> 32));
}

#ifdef SRAMSIM_FIBER_SANITIZER

void Fiber::enter(unsigned low, unsigned high) {
  State& s = *reinterpret_cast<Fiber*>(static_cast<uintptr_t>(low | uint64_t{high} << 32))->state_;
  __sanitizer_finish_switch_fiber(nullptr, &s.caller_stack, &s.caller_bytes);
  s.body();
  s.finished = true;
  __sanitizer_start_switch_fiber(nullptr, s.caller_stack, s.caller_bytes);
  setcontext(&s.caller);
}

void Fiber::resume() {
  State& s = *state_;
  running = this;
  __sanitizer_start_switch_fiber(&s.caller_fake, s.stack.get(), s.stack_bytes);
  swapcontext(&s.caller, &s.context);
  __sanitizer_finish_switch_fiber(s.caller_fake, nullptr, nullptr);
}

void Fiber::yield() {
  State& s = *running->state_;
  __sanitizer_start_switch_fiber(&s.own_fake, s.caller_stack, s.caller_bytes);
  swapcontext(&s.context, &s.caller);
  __sanitizer_finish_switch_fiber(s.own_fake, &s.caller_stack, &s.caller_bytes);
}

#else

void Fiber::enter(unsigned low, unsigned high) {
  State& s = *reinterpret_cast<Fiber*>(static_cast<uintptr_t>(low | uint64_t{high} << 32))->state_;
  s.body();
  s.finished = true;
  _longjmp(s.outside, 1);
}

void Fiber::resume() {
  State& s = *state_;
  running = this;
  if (_setjmp(s.outside) != 0) return;
  if (s.entered) _longjmp(s.inside, 1);
  s.entered = true;
  setcontext(&s.context);
}

void Fiber::yield() {
  State& s = *running->state_;
  if (_setjmp(s.inside) == 0) _longjmp(s.outside, 1);
}

#endif

}  // namespace sramsim::emulator
