// The scheduler and the host twins of ptx.h's cooperative functions.
#include "tests/emulator/block_emulator.h"

#include <algorithm>
#include <exception>
#include <memory>
#include <vector>

#include "tests/emulator/fiber.h"
#include "tests/emulator/fragments.h"
#include "tests/emulator/shared_memory.h"

namespace sramsim::emulator {
namespace {

enum class Wait { kNone, kWarp, kGroup, kBlock };

/// A warp-wide instruction: who has arrived at it, and with which operands.
enum class WarpOp { kNone, kSync, kVote, kOr, kShuffle, kLoadMatrix, kMmaK128, kMmaK256, kMmaK32 };

struct PendingCopy {
  ptx::SharedAddress to;
  const Unit* from;
  bool valid;
};

/// A warpgroup product on its way to the registers at `to`.
struct PendingProduct {
  WarpgroupProduct product;
  int group;  ///< of the thread's groups
  uint32_t* to;
  WarpgroupResult result;
  WarpgroupOperands operands;
};

struct Thread {
  Fiber fiber;
  Wait wait = Wait::kNone;
  bool arrived = false;  ///< its registers are ordered before the products that follow
  int block_syncs = 0, group_syncs = 0, copy_waits = 0, product_groups = 0, product_waits = 0;
  std::vector<PendingCopy> copies;
  std::vector<PendingProduct> products;
  int64_t products_started = 0;
};

struct Group {
  int arrived = 0;
  int64_t epoch = 0;
};

struct Warp {
  WarpOp op = WarpOp::kNone;
  int arrived = 0;
  int64_t epoch = 0;
  void* operands[kLanes] = {};
};

class Block {
 public:
  Block(const Launch& launch, const std::function<void()>& body) : launch_(launch), body_(body) {
    if (launch.block <= 0 || launch.block % kLanes != 0) throw KernelError("a block must be whole warps");
    for (int t = 0; t < launch.block; ++t) threads_.push_back(std::make_unique<Thread>());
  }

  void run(int x, int y) {
    block_x = x;
    block_y = y;
    shared_.reset(launch_.shared_bytes);
    warps_.assign(threads_.size() / kLanes, Warp{});
    groups_.assign((threads_.size() + ptx::kWarpgroup - 1) / ptx::kWarpgroup, Group{});
    epoch_ = arrived_ = finished_ = 0;
    error_ = nullptr;
    for (auto& thread : threads_) {
      thread->wait = Wait::kNone;
      thread->arrived = false;
      thread->block_syncs = thread->group_syncs = thread->copy_waits = thread->product_waits = 0;
      thread->copies.clear();
      thread->products.clear();
      thread->products_started = 0;
      thread->fiber.start([this, t = thread.get()] { run_thread(*t); });
    }
    while (finished_ < static_cast<int>(threads_.size())) {
      if (!run_some_warp()) throw KernelError(stuck_text());
      if (error_) std::rethrow_exception(error_);
    }
    for (int g = 0; g < static_cast<int>(groups_.size()); ++g) check_products(g);
    counts.block_syncs = std::max<int64_t>(counts.block_syncs, threads_[0]->block_syncs);
    counts.copy_waits = std::max<int64_t>(counts.copy_waits, threads_[0]->copy_waits);
  }

  // --- called by the running thread
  int thread() const { return current_; }
  const Launch& launch() const { return launch_; }
  SharedMemory& shared() { return shared_; }
  Moment now() const {
    return {current_, epoch_, groups_[current_ / ptx::kWarpgroup].epoch, warps_[current_ / kLanes].epoch};
  }

  void block_sync() {
    Thread& me = *threads_[current_];
    if (me.block_syncs++ == launch_.faults.skip_block_sync) return;
    if (++arrived_ < static_cast<int>(threads_.size())) {
      pause(Wait::kBlock);
      return;
    }
    arrived_ = 0;
    ++epoch_;
    for (auto& thread : threads_) thread->wait = Wait::kNone;
  }

  void warpgroup_sync() {
    Thread& me = *threads_[current_];
    if (me.group_syncs++ == launch_.faults.skip_warpgroup_sync) return;
    const int g = current_ / ptx::kWarpgroup;
    if (threads_.size() % ptx::kWarpgroup != 0) throw KernelError("the block is not whole warpgroups");
    if (++groups_[g].arrived < ptx::kWarpgroup) {
      pause(Wait::kGroup);
      return;
    }
    groups_[g].arrived = 0;
    ++groups_[g].epoch;
    check_products(g);
    for (int k = 0; k < ptx::kWarpgroup; ++k) threads_[g * ptx::kWarpgroup + k]->wait = Wait::kNone;
  }

  /// Gathers the operands of all lanes; the last to arrive executes the instruction for them.
  template <typename Execute>
  void warp_op(WarpOp op, void* operands, Execute execute) {
    Warp& warp = warps_[current_ / kLanes];
    if (warp.arrived == 0) warp.op = op;
    if (warp.op != op)
      throw KernelError("thread " + std::to_string(current_) +
                        " is at another warp-wide instruction than its warp");
    warp.operands[current_ % kLanes] = operands;
    if (++warp.arrived < kLanes) {
      pause(Wait::kWarp);
      return;
    }
    warp.arrived = 0;
    execute(warp);
    const int first = current_ / kLanes * kLanes;
    for (int lane = 0; lane < kLanes; ++lane) threads_[first + lane]->wait = Wait::kNone;
  }

  void copy_async(ptx::SharedAddress to, const Unit* from, bool valid) {
    shared_.begin_copy(to, now());
    threads_[current_]->copies.push_back({to, from, valid});
  }
  void copy_wait() {
    Thread& me = *threads_[current_];
    if (me.copy_waits++ == launch_.faults.skip_copy_wait) return;
    for (const PendingCopy& c : me.copies) shared_.end_copy(c.to, now(), c.valid ? *c.from : Unit{});
    me.copies.clear();
  }

  void fence() {
    if (!launch_.faults.skip_fences) shared_.fence(current_);
  }
  void product_arrive() {
    if (!launch_.faults.skip_arrivals) threads_[current_]->arrived = true;
  }
  /// The result lands when it is waited for: until then the registers hold nothing of use. `add`: to what the
  /// registers will hold by then.
  void start_product(WarpgroupProduct product, uint32_t* d, const WarpgroupOperands& operands, bool add) {
    Thread& me = *threads_[current_];
    if (!me.arrived)
      throw KernelError("a warpgroup product starts without warpgroup_arrive() since the last wait");
    const int thread = current_ % ptx::kWarpgroup;
    WarpgroupResult before{};
    if (add) {
      const auto last = std::find_if(me.products.rbegin(), me.products.rend(),
                                     [&](const PendingProduct& p) { return p.to == d; });
      if (last == me.products.rend())
        throw KernelError("a warpgroup product adds to registers of no other one");
      before = last->result;
    }
    const auto load = [&](ptx::SharedAddress p, Unit& unit) {
      shared_.read_for_product(p, 4, now(), unit.word);
    };
    me.products.push_back({product, me.product_groups, d,
                           warpgroup_product(product, thread, operands, before, load), operands});
    std::fill_n(d, warpgroup_registers(product), 0x7ABC7ABCu);
    ++me.products_started;
    counts.mmas += thread == 0;
  }
  void product_commit() { ++threads_[current_]->product_groups; }
  /// All groups but the last `pending`.
  void product_wait(int pending) {
    Thread& me = *threads_[current_];
    if (me.product_waits++ == launch_.faults.skip_product_wait) return;
    if (pending == 0) me.arrived = false;  // what was waited for may be touched now
    const auto done = [&](const PendingProduct& p) { return p.group < me.product_groups - pending; };
    for (const PendingProduct& p : me.products) {
      if (!done(p)) continue;
      // Its operands had to stay as they were until now.
      const auto load = [&](ptx::SharedAddress at, Unit& unit) {
        shared_.read_for_product(at, 4, now(), unit.word);
      };
      touch_operands(p.product, current_ % ptx::kWarpgroup, p.operands, load);
      for (int r = 0; r < warpgroup_registers(p.product); ++r)
        p.to[r] = warpgroup_register(p.product, p.result, r);
    }
    std::erase_if(me.products, done);
  }

  int block_x = 0, block_y = 0;
  Counts counts;

 private:
  void run_thread(Thread& thread) {
    try {
      body_();
      if (!thread.products.empty()) throw KernelError("a thread ends with products that nobody waited for");
      if (!thread.copies.empty()) throw KernelError("a thread ends with copies that nobody waited for");
    } catch (...) {
      error_ = std::current_exception();
    }
    ++finished_;
  }

  /// All warps of a warpgroup must start the same products, or the device would hang.
  void check_products(int g) const {
    const auto started = [&](int k) { return threads_[g * ptx::kWarpgroup + k]->products_started; };
    const int size = std::min<int>(ptx::kWarpgroup, static_cast<int>(threads_.size()) - g * ptx::kWarpgroup);
    for (int k = 0; k < size; ++k)
      if (started(k) != started(0))
        throw KernelError("warps of warpgroup " + std::to_string(g) +
                          " have started different numbers of products");
  }

  void pause(Wait wait) {
    threads_[current_]->wait = wait;
    Fiber::yield();
  }

  bool runnable(int t) const { return !threads_[t]->fiber.finished() && threads_[t]->wait == Wait::kNone; }

  /// Runs one randomly chosen warp until each of its lanes waits for other warps. False if no thread can run.
  bool run_some_warp() {
    const int warps = static_cast<int>(warps_.size()), start = static_cast<int>(random() % warps_.size());
    bool ran = false;
    for (int w = 0; w < warps && !ran; ++w) {
      const int first = (start + w) % warps * kLanes;
      for (bool again = true; again && !error_;) {
        again = false;
        const int turn = static_cast<int>(random() % kLanes);
        for (int lane = 0; lane < kLanes && !error_; ++lane) {
          current_ = first + (lane + turn) % kLanes;
          if (!runnable(current_)) continue;
          threads_[current_]->fiber.resume();
          again = ran = true;
        }
      }
    }
    return ran;
  }

  uint64_t random() {  // xorshift64
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    return state_ ^= state_ << 17;
  }

  std::string stuck_text() const {
    return "stuck: of " + std::to_string(threads_.size()) + " threads " + std::to_string(finished_) +
           " ended and " + std::to_string(arrived_) + " wait at a barrier that the others do not reach";
  }

  const Launch launch_;
  const std::function<void()>& body_;
  std::vector<std::unique_ptr<Thread>> threads_;
  std::vector<Warp> warps_;
  std::vector<Group> groups_;
  SharedMemory shared_;
  std::exception_ptr error_;
  int current_ = 0, arrived_ = 0, finished_ = 0;
  int64_t epoch_ = 0;
  uint64_t state_ = launch_.seed * 0x9E3779B97F4A7C15u | 1;
};

Block* active = nullptr;

struct Vote {
  bool value;
  uint32_t ballot;
};
struct Or {
  uint32_t value, result;
};
struct Shuffle {
  uint32_t value;
  int lane;
  uint32_t result;
};
struct LoadMatrix {
  Unit row;
  uint32_t r[4];
};

uint32_t ballot(bool value) {
  Vote mine{value, 0};
  active->warp_op(WarpOp::kVote, &mine, [](Warp& warp) {
    uint32_t bits = 0;
    for (int l = 0; l < kLanes; ++l) bits |= uint32_t{static_cast<Vote*>(warp.operands[l])->value} << l;
    for (void* operands : warp.operands) static_cast<Vote*>(operands)->ballot = bits;
  });
  return mine.ballot;
}

template <typename Multiply>
void mma(WarpOp op, MmaLane& mine, Multiply multiply) {
  active->warp_op(op, &mine, [&](Warp& warp) {
    MmaLane* lanes[kLanes];
    for (int l = 0; l < kLanes; ++l) lanes[l] = static_cast<MmaLane*>(warp.operands[l]);
    multiply(lanes);
    ++active->counts.mmas;
  });
}

}  // namespace

Counts run(const Launch& launch, const std::function<void()>& body) {
  Block block(launch, body);
  active = &block;
  for (int y = 0; y < launch.grid_y; ++y)
    for (int x = 0; x < launch.grid_x; ++x) block.run(x, y);
  active = nullptr;
  return block.counts;
}

}  // namespace sramsim::emulator

namespace sramsim::ptx {

using namespace sramsim::emulator;

int thread_index() {
  return active->thread() ^ active->launch().faults.swap_lanes;
}
int block_size() {
  return active->launch().block;
}
int block_index() {
  return active->block_x;
}
int block_index_y() {
  return active->block_y;
}
int grid_size() {
  return active->launch().grid_x;
}
void block_sync() {
  active->block_sync();
}
void warp_sync() {
  active->warp_op(WarpOp::kSync, nullptr, [](Warp& warp) { ++warp.epoch; });
}
bool warp_any(bool value) {
  return ballot(value) != 0;
}
uint32_t warp_ballot(bool value) {
  return ballot(value);
}
uint32_t warp_or(uint32_t value) {
  Or mine{value, 0};
  active->warp_op(WarpOp::kOr, &mine, [](Warp& warp) {
    uint32_t bits = 0;
    for (void* operands : warp.operands) bits |= static_cast<Or*>(operands)->value;
    for (void* operands : warp.operands) static_cast<Or*>(operands)->result = bits;
  });
  return mine.result;
}
uint32_t warp_shuffle(uint32_t value, int lane) {
  Shuffle mine{value, lane, 0};
  active->warp_op(WarpOp::kShuffle, &mine, [](Warp& warp) {
    for (void* operands : warp.operands) {
      auto& s = *static_cast<Shuffle*>(operands);
      s.result = static_cast<Shuffle*>(warp.operands[s.lane % kLanes])->value;
    }
  });
  return mine.result;
}
SharedAddress shared_base() {
  return 0;
}
uint32_t shared_load(SharedAddress p) {
  uint32_t v = 0;
  active->shared().read(p, 1, active->now(), &v);
  return v;
}
WordPair shared_load_pair(SharedAddress p) {
  uint32_t v[2] = {};
  active->shared().read(p, 2, active->now(), v);
  return {v[0], v[1]};
}
Unit shared_load_unit(SharedAddress p) {
  Unit v{};
  active->shared().read(p, 4, active->now(), v.word);
  return v;
}
void shared_store(SharedAddress p, uint32_t v) {
  active->shared().write(p, 1, active->now(), &v);
}
void shared_store_pair(SharedAddress p, const WordPair& v) {
  const uint32_t words[2] = {v.low, v.high};
  active->shared().write(p, 2, active->now(), words);
}
void shared_store_unit(SharedAddress p, const Unit& v) {
  active->shared().write(p, 4, active->now(), v.word);
}
void copy_async_unit(SharedAddress to, const Unit* from, bool valid) {
  active->copy_async(to, from, valid);
}
void copy_async_wait() {
  active->copy_wait();
}
void load_matrix_x4(uint32_t (&r)[4], SharedAddress row) {
  LoadMatrix mine{};
  active->shared().read(row, 4, active->now(), mine.row.word);
  active->warp_op(WarpOp::kLoadMatrix, &mine, [](Warp& warp) {
    Unit rows[kLanes];
    uint32_t registers[kLanes][4];
    for (int l = 0; l < kLanes; ++l) rows[l] = static_cast<LoadMatrix*>(warp.operands[l])->row;
    ldmatrix_m8n8_x4(rows, registers);
    for (int l = 0; l < kLanes; ++l)
      std::copy_n(registers[l], 4, static_cast<LoadMatrix*>(warp.operands[l])->r);
  });
  std::copy_n(mine.r, 4, r);
}
void mma_and_k128(int32_t (&d)[4], uint32_t a0, uint32_t a1, uint32_t b, const int32_t (&c)[4]) {
  MmaLane mine{{a0, a1, 0, 0}, {b, 0}, {c[0], c[1], c[2], c[3]}, {}};
  mma(WarpOp::kMmaK128, mine, mma_and_popc_m16n8k128);
  std::copy_n(mine.d, 4, d);
}
void mma_and_k256(int32_t (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], const int32_t (&c)[4]) {
  MmaLane mine{{a[0], a[1], a[2], a[3]}, {b[0], b[1]}, {c[0], c[1], c[2], c[3]}, {}};
  mma(WarpOp::kMmaK256, mine, mma_and_popc_m16n8k256);
  std::copy_n(mine.d, 4, d);
}
void mma_u8s8_k32(int32_t (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], const int32_t (&c)[4]) {
  MmaLane mine{{a[0], a[1], a[2], a[3]}, {b[0], b[1]}, {c[0], c[1], c[2], c[3]}, {}};
  mma(WarpOp::kMmaK32, mine, mma_u8s8_m16n8k32);
  std::copy_n(mine.d, 4, d);
}

void warpgroup_sync() {
  active->warpgroup_sync();
}
void fence_for_warpgroup_mma() {
  active->fence();
}
void warpgroup_arrive() {
  active->product_arrive();
}
namespace {

void start_product(WarpgroupProduct product, uint32_t* d, MatrixDescriptor a, MatrixDescriptor b, bool add) {
  const auto bits = [](MatrixDescriptor m) { return uint64_t{m.high} << 32 | m.low; };
  active->start_product(product, d, {bits(a), bits(b)}, add);
}

}  // namespace

void start_warpgroup_mma_e4m3_n64(uint32_t (&d)[16], MatrixDescriptor a, MatrixDescriptor b, bool add) {
  start_product(WarpgroupProduct::kE4m3, d, a, b, add);
}
void start_warpgroup_mma_and_n64(uint32_t (&d)[32], MatrixDescriptor a, MatrixDescriptor b, bool add) {
  start_product(WarpgroupProduct::kAndPopc, d, a, b, add);
}
void start_warpgroup_mma_and_n128(uint32_t (&d)[64], MatrixDescriptor a, MatrixDescriptor b, bool add) {
  start_product(WarpgroupProduct::kAndPopcWide, d, a, b, add);
}
void warpgroup_commit() {
  active->product_commit();
}
void warpgroup_wait_all_but(int pending) {
  active->product_wait(pending);
}

}  // namespace sramsim::ptx
