#include "tests/emulator/shared_memory.h"

#include "tests/emulator/block_emulator.h"

namespace sramsim::emulator {
namespace {

constexpr uint32_t kGarbage = 0xDBDBDBDBu;

int warp_of(const Moment& m) {
  return m.thread / ptx::kWarp;
}
int group_of(const Moment& m) {
  return m.thread / ptx::kWarpgroup;
}

/// True if a barrier of the block, or of their common warpgroup or warp, lies between the two accesses.
bool ordered(const Moment& before, const Moment& now) {
  if (before.thread < 0 || before.thread == now.thread || before.block_epoch < now.block_epoch) return true;
  if (group_of(before) == group_of(now) && before.group_epoch < now.group_epoch) return true;
  return warp_of(before) == warp_of(now) && before.warp_epoch < now.warp_epoch;
}

[[noreturn]] void fail(const char* what, size_t word, const Moment& now, const Moment& other) {
  std::string text = "shared memory byte " + std::to_string(word * 4) + ": thread " +
                     std::to_string(now.thread) + " " + what;
  if (other.thread >= 0) text += " thread " + std::to_string(other.thread);
  throw KernelError(text);
}

}  // namespace

void SharedMemory::reset(size_t bytes) {
  data_.assign((bytes + 3) / 4, kGarbage);
  shadow_.assign(data_.size(), Word{});
  unfenced_.clear();
}

size_t SharedMemory::first_word(uint32_t address, int words, const Moment& now) const {
  const size_t bytes = size_t{4} * words;
  if (address % bytes != 0) fail("uses a misaligned address", address / 4, now, {});
  if (address + bytes > data_.size() * 4) fail("is outside the block's shared memory", address / 4, now, {});
  return address / 4;
}

void SharedMemory::note_write(size_t word, const Moment& now) {
  Word& w = shadow_[word];
  if (w.pending) fail("writes where a copy is pending from", word, now, w.writer);
  if (!ordered(w.writer, now)) fail("writes without a barrier after", word, now, w.writer);
  const bool readers_ordered = w.readers == Readers::kNone || w.reader.block_epoch < now.block_epoch ||
                               (w.readers != Readers::kBlock && group_of(w.reader) == group_of(now) &&
                                w.reader.group_epoch < now.group_epoch) ||
                               (w.readers == Readers::kThread && ordered(w.reader, now)) ||
                               (w.readers == Readers::kWarp && warp_of(w.reader) == warp_of(now) &&
                                w.reader.warp_epoch < now.warp_epoch);
  if (!readers_ordered) fail("overwrites without a barrier what was read by", word, now, w.reader);
  w.writer = now;
  w.readers = Readers::kNone;
  w.written = true;
  w.fenced = false;
  if (unfenced_.size() <= static_cast<size_t>(now.thread)) unfenced_.resize(now.thread + 1);
  unfenced_[now.thread].push_back(word);
}

void SharedMemory::note_read(size_t word, const Moment& now) {
  Word& w = shadow_[word];
  if (w.pending) fail("reads before the copy was waited for, started by", word, now, w.writer);
  if (!w.written) fail("reads what nobody has written", word, now, {});
  if (!ordered(w.writer, now)) fail("reads without a barrier what was written by", word, now, w.writer);
  const bool current = w.readers != Readers::kNone && w.reader.block_epoch == now.block_epoch;
  if (!current || w.reader.thread == now.thread)
    w.readers = current ? w.readers : Readers::kThread;
  else if (warp_of(w.reader) == warp_of(now) && w.readers <= Readers::kWarp)
    w.readers = Readers::kWarp;
  else if (group_of(w.reader) == group_of(now) && w.readers <= Readers::kGroup)
    w.readers = Readers::kGroup;
  else
    w.readers = Readers::kBlock;
  w.reader = now;
}

void SharedMemory::read_for_product(uint32_t address, int words, const Moment& now, uint32_t* to) {
  const size_t first = first_word(address, words, now);
  for (int k = 0; k < words; ++k)
    if (shadow_[first + k].written && !shadow_[first + k].fenced)
      fail("multiplies what was not fenced after it was written by", first + k, now,
           shadow_[first + k].writer);
  read(address, words, now, to);
}

void SharedMemory::fence(int thread) {
  if (unfenced_.size() <= static_cast<size_t>(thread)) return;
  for (const size_t word : unfenced_[thread])
    if (shadow_[word].writer.thread == thread && !shadow_[word].pending) shadow_[word].fenced = true;
  unfenced_[thread].clear();
}

void SharedMemory::read(uint32_t address, int words, const Moment& now, uint32_t* to) {
  const size_t first = first_word(address, words, now);
  for (int k = 0; k < words; ++k) {
    note_read(first + k, now);
    to[k] = data_[first + k];
  }
}

void SharedMemory::write(uint32_t address, int words, const Moment& now, const uint32_t* from) {
  const size_t first = first_word(address, words, now);
  for (int k = 0; k < words; ++k) {
    note_write(first + k, now);
    data_[first + k] = from[k];
  }
}

void SharedMemory::begin_copy(uint32_t address, const Moment& now) {
  const size_t first = first_word(address, 4, now);
  for (size_t k = first; k < first + 4; ++k) {
    note_write(k, now);
    shadow_[k].pending = true;
    data_[k] = kGarbage;
  }
}

void SharedMemory::end_copy(uint32_t address, const Moment& now, const Unit& value) {
  const size_t first = first_word(address, 4, now);
  for (size_t k = 0; k < 4; ++k) {
    shadow_[first + k].pending = false;
    shadow_[first + k].writer = now;
    unfenced_[now.thread].push_back(first + k);
    data_[first + k] = value.word[k];
  }
}

}  // namespace sramsim::emulator
