#include "host/formats/pickle.h"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <cstring>
#include <unordered_map>

#include "host/formats/input_file.h"
#include "host/formats/pickle_opcodes.h"
#include "kernels/core/error.h"

namespace sramsim::pickle {
namespace {

/// Bounds memory (an object takes about 100 bytes, the shortest one byte of pickle). A state dict needs some
/// 25 objects per tensor.
constexpr size_t kMaxObjects = 1'000'000;

constexpr std::string_view kOrderedDict = "collections OrderedDict";
constexpr std::string_view kRebuildTensor = "torch._utils _rebuild_tensor_v2";
constexpr std::string_view kRebuildParameter = "torch._utils _rebuild_parameter";
constexpr std::string_view kSize = "torch Size";

struct StorageName {
  std::string_view name;
  StoredType type;
};
constexpr std::array<StorageName, 9> kStorages{{{"torch FloatStorage", StoredType::kF32},
                                                {"torch DoubleStorage", StoredType::kF64},
                                                {"torch HalfStorage", StoredType::kF16},
                                                {"torch BFloat16Storage", StoredType::kBF16},
                                                {"torch LongStorage", StoredType::kI64},
                                                {"torch IntStorage", StoredType::kI32},
                                                {"torch ShortStorage", StoredType::kI16},
                                                {"torch CharStorage", StoredType::kI8},
                                                {"torch ByteStorage", StoredType::kU8}}};
constexpr StorageName kBoolStorage{"torch BoolStorage", StoredType::kBool};

const StorageName* find_storage(std::string_view name) {
  for (const StorageName& s : kStorages)
    if (s.name == name) return &s;
  return name == kBoolStorage.name ? &kBoolStorage : nullptr;
}

/// The pickle machine: a stack, marks into it, and a memo of objects to refer back to.
class Machine {
 public:
  explicit Machine(std::string_view bytes) : rest_(bytes) {}

  Document run() {
    if (take_byte() != op::kProto) fail("does not begin with a protocol number (2 to 5)");
    if (const uint8_t protocol = take_byte(); protocol < 2 || protocol > 5)
      fail(fmt::format("uses protocol {}, known are 2 to 5", protocol));
    for (uint8_t opcode = take_byte(); opcode != op::kStop; opcode = take_byte())
      if (!literal(opcode) && !container(opcode) && !memo(opcode) && !object(opcode))
        fail(fmt::format("uses opcode 0x{:02x}, which no state dict needs", opcode));
    document_.root = pop();
    return std::move(document_);
  }

 private:
  [[noreturn]] static void fail(const std::string& what) { throw InputError("its pickle " + what); }

  // --- input
  std::string_view take(uint64_t count) {
    if (count > rest_.size()) fail("is truncated");
    const std::string_view bytes = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return bytes;
  }
  uint8_t take_byte() { return static_cast<uint8_t>(take(1)[0]); }
  /// Little endian, `count` bytes.
  uint64_t take_number(size_t count) {
    uint64_t value = 0;
    std::memcpy(&value, take(count).data(), count);
    return value;
  }
  std::string_view take_line() {
    const size_t end = rest_.find('\n');
    if (end == std::string_view::npos) fail("is truncated");
    const std::string_view line = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    return line;
  }

  // --- stack
  Object& push(Kind kind) {
    if (document_.objects.size() == kMaxObjects) fail(fmt::format("has more than {} objects", kMaxObjects));
    stack_.push_back(static_cast<Ref>(document_.objects.size()));
    document_.objects.emplace_back().kind = kind;
    return document_.objects.back();
  }
  void push_int(int64_t value) { push(Kind::kInt).integer = value; }
  void push_text(uint64_t length) { push(Kind::kText).text = take(length); }
  size_t floor() const { return marks_.empty() ? 0 : marks_.back(); }
  Ref pop() {
    if (stack_.size() <= floor()) fail("is malformed: it takes from an empty stack");
    const Ref top = stack_.back();
    stack_.pop_back();
    return top;
  }
  std::vector<Ref> pop_to_mark() {
    if (marks_.empty()) fail("is malformed: a mark is missing");
    std::vector<Ref> items(stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back()), stack_.end());
    stack_.resize(marks_.back());
    marks_.pop_back();
    return items;
  }
  std::vector<Ref> pop_last(size_t count) {
    std::vector<Ref> items(count);
    for (size_t i = count; i-- > 0;) items[i] = pop();
    return items;
  }
  Object& top(Kind kind) {
    if (stack_.size() <= floor() || document_.at(stack_.back()).kind != kind)
      fail("is malformed: it extends something that is no list or dict");
    return document_.objects[stack_.back()];
  }

  // --- opcodes, by kind; each returns false for one that is not its own
  bool literal(uint8_t opcode) {
    switch (opcode) {
      case op::kNone:
        push(Kind::kNone);
        return true;
      case op::kNewTrue:
      case op::kNewFalse:
        push(Kind::kBool).integer = opcode == op::kNewTrue;
        return true;
      case op::kBinInt:
        push_int(static_cast<int32_t>(take_number(4)));
        return true;
      case op::kBinInt1:
        push_int(take_byte());
        return true;
      case op::kBinInt2:
        push_int(static_cast<int64_t>(take_number(2)));
        return true;
      case op::kLong1:
        push_int(take_long());
        return true;
      case op::kBinFloat:
        push(Kind::kFloat).real = std::bit_cast<double>(__builtin_bswap64(take_number(8)));
        return true;
      case op::kShortBinUnicode:
      case op::kShortBinString:
        push_text(take_byte());
        return true;
      case op::kBinUnicode:
      case op::kBinString:
        push_text(take_number(4));
        return true;
      case op::kBinUnicode8:
        push_text(take_number(8));
        return true;
      default:
        return false;
    }
  }

  int64_t take_long() {
    const size_t length = take_byte();
    if (length > 8) fail("has an integer of more than 64 bits");
    if (length == 0) return 0;
    const unsigned unused = static_cast<unsigned>(64 - 8 * length);
    return static_cast<int64_t>(take_number(length) << unused) >> unused;  // sign-extends
  }

  bool container(uint8_t opcode) {
    switch (opcode) {
      case op::kMark:
        marks_.push_back(static_cast<uint32_t>(stack_.size()));
        return true;
      case op::kPop:
        pop();
        return true;
      case op::kEmptyDict:
        push(Kind::kDict);
        return true;
      case op::kEmptyList:
        push(Kind::kList);
        return true;
      case op::kEmptyTuple:
        push(Kind::kTuple);
        return true;
      case op::kTuple:
        push_tuple(pop_to_mark());
        return true;
      case op::kTuple1:
      case op::kTuple2:
      case op::kTuple3:
        push_tuple(pop_last(1 + opcode - op::kTuple1));
        return true;
      case op::kAppend:
        extend(Kind::kList, pop_last(1));
        return true;
      case op::kAppends:
        extend(Kind::kList, pop_to_mark());
        return true;
      case op::kSetItem:
        extend(Kind::kDict, pop_last(2));
        return true;
      case op::kSetItems:
        extend(Kind::kDict, pop_to_mark());
        return true;
      default:
        return false;
    }
  }

  void push_tuple(std::vector<Ref> items) { push(Kind::kTuple).items = std::move(items); }
  void extend(Kind kind, const std::vector<Ref>& items) {
    if (kind == Kind::kDict && items.size() % 2 != 0) fail("is malformed: a dict key has no value");
    auto& to = top(kind).items;
    to.insert(to.end(), items.begin(), items.end());
  }

  bool memo(uint8_t opcode) {
    switch (opcode) {
      case op::kBinPut:
        remember(take_byte());
        return true;
      case op::kLongBinPut:
        remember(take_number(4));
        return true;
      case op::kMemoize:
        remember(memo_.size());
        return true;
      case op::kBinGet:
        recall(take_byte());
        return true;
      case op::kLongBinGet:
        recall(take_number(4));
        return true;
      default:
        return false;
    }
  }

  void remember(uint64_t index) {
    const Ref top_of_stack = pop();
    stack_.push_back(top_of_stack);
    memo_[index] = top_of_stack;
  }
  void recall(uint64_t index) {
    const auto it = memo_.find(index);
    if (it == memo_.end()) fail("is malformed: it recalls what it never stored");
    stack_.push_back(it->second);
  }

  bool object(uint8_t opcode) {
    switch (opcode) {
      case op::kFrame:
        take_number(8);  // a hint for buffering
        return true;
      case op::kGlobal: {
        const std::string_view module = take_line();
        push_global(module, take_line());
        return true;
      }
      case op::kStackGlobal: {
        const auto names = pop_last(2);
        push_global(text(names[0]), text(names[1]));
        return true;
      }
      case op::kReduce: {
        const auto call = pop_last(2);
        reduce(call[0], call[1]);
        return true;
      }
      case op::kBuild: {
        pop();  // an OrderedDict's attributes: _metadata, the module versions
        if (stack_.size() <= floor() || document_.at(stack_.back()).kind != Kind::kDict)
          fail("sets the attributes of an object that is not a dict");
        return true;
      }
      case op::kBinPersId:
        push_storage(pop());
        return true;
      default:
        return false;
    }
  }

  void push_global(std::string_view module, std::string_view name) {
    const std::string full = fmt::format("{} {}", module, name);
    if (full != kOrderedDict && full != kRebuildTensor && full != kRebuildParameter && full != kSize &&
        !find_storage(full))
      fail(fmt::format("asks for {}.{}, which is not allowed: only tensors in dicts are read",
                       printable(module), printable(name)));
    push(Kind::kGlobal).text = full;
  }

  // --- the four known callables
  void reduce(Ref callee, Ref arguments) {
    constexpr size_t kMostArguments = 16;
    if (document_.at(callee).kind != Kind::kGlobal || document_.at(arguments).kind != Kind::kTuple ||
        document_.at(arguments).items.size() > kMostArguments)
      fail("is malformed: it calls something that has no name");
    const std::string name = document_.at(callee).text;
    const std::vector<Ref> args = document_.at(arguments).items;
    const Kind first = args.empty() ? Kind::kNone : document_.at(args[0]).kind;
    if (name == kOrderedDict && args.empty()) {
      push(Kind::kDict);
    } else if (name == kRebuildTensor && args.size() >= 6) {
      push_tensor(args);
    } else if ((name == kSize && args.size() == 1 && first == Kind::kTuple) ||
               (name == kRebuildParameter && first == Kind::kTensor)) {
      stack_.push_back(args[0]);  // the data themselves
    } else {
      fail(fmt::format("gives {} arguments that no state dict has", name));
    }
  }

  /// args: storage, offset, shape, stride, requires_grad, hooks (ignored from there on).
  void push_tensor(const std::vector<Ref>& args) {
    if (document_.at(args[0]).kind != Kind::kStorage) fail("has a tensor without a storage");
    TensorView view{static_cast<uint32_t>(document_.at(args[0]).integer), integer(args[1]), integers(args[2]),
                    integers(args[3])};
    if (view.shape.size() != view.stride.size()) fail("has a tensor whose shape and strides differ in rank");
    document_.tensors.push_back(std::move(view));
    push(Kind::kTensor).integer = static_cast<int64_t>(document_.tensors.size()) - 1;
  }

  /// ("storage", torch.FloatStorage, key, device, element count).
  void push_storage(Ref id) {
    const Object& tuple = document_.at(id);
    if (tuple.kind != Kind::kTuple || tuple.items.size() != 5 || text(tuple.items[0]) != "storage" ||
        document_.at(tuple.items[1]).kind != Kind::kGlobal)
      fail("has a persistent object that is not a tensor storage");
    const std::vector<Ref> parts = tuple.items;  // a copy: push() below may move the objects
    const StorageName* known = find_storage(document_.at(parts[1]).text);
    if (!known) fail("has a storage of unknown type");
    document_.storages.push_back({known->type, text(parts[2]), integer(parts[4])});
    push(Kind::kStorage).integer = static_cast<int64_t>(document_.storages.size()) - 1;
  }

  const std::string& text(Ref r) const {
    if (document_.at(r).kind != Kind::kText) fail("is malformed: a text was expected");
    return document_.at(r).text;
  }
  int64_t integer(Ref r) const {
    if (document_.at(r).kind != Kind::kInt) fail("is malformed: an integer was expected");
    return document_.at(r).integer;
  }
  std::vector<int64_t> integers(Ref r) const {
    constexpr size_t kMaxRank = 64;
    if (document_.at(r).kind != Kind::kTuple || document_.at(r).items.size() > kMaxRank)
      fail("is malformed: a tuple of sizes was expected");
    std::vector<int64_t> values;
    for (Ref item : document_.at(r).items) values.push_back(integer(item));
    return values;
  }

  std::string_view rest_;
  Document document_;
  std::vector<Ref> stack_;
  std::vector<uint32_t> marks_;  ///< stack heights
  std::unordered_map<uint64_t, Ref> memo_;
};

}  // namespace

Document parse(std::string_view bytes) {
  return Machine(bytes).run();
}

}  // namespace sramsim::pickle
