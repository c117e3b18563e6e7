// PyTorch's zip checkpoint: <folder>/data.pkl holds the objects, <folder>/data/<key> the storages, stored
// uncompressed; <folder>/byteorder, if there, says "little" or "big".
#include <fmt/format.h>
#include <zip.h>

#include <array>
#include <cstring>
#include <memory>
#include <string_view>

#include "host/formats/input_file.h"
#include "host/formats/pickle.h"
#include "host/formats/tensor_file.h"
#include "kernels/core/error.h"

namespace sramsim {
namespace {

/// Bounds what the pickle machine's stack can grow to. A state dict takes about 150 bytes per tensor.
constexpr uint64_t kMaxPickle = 16 << 20;

/// Tensors may share a storage (tied weights) and half floats are widened, so a checkpoint can unpack to more
/// than its size; one that unpacks to this many times its size is an attack.
constexpr uint64_t kMaxExpansion = 16;

/// Where trainers put the state dict inside what they save.
constexpr std::array<std::string_view, 4> kStateDictKeys{"state_dict", "model_state_dict", "model", "net"};

/// Read-only access to the members of one archive.
class Archive {
 public:
  explicit Archive(const InputFile& file) : file_(file) {
    int error = 0;
    zip_.reset(::zip_open(file.path().c_str(), ZIP_RDONLY, &error));
    if (!zip_) {
      zip_error_t reason;
      ::zip_error_init_with_code(&reason, error);
      const std::string text = ::zip_error_strerror(&reason);
      ::zip_error_fini(&reason);
      file_.fail(fmt::format("is not a readable zip archive, or truncated: {}", printable(text)));
    }
    find_folder();
  }

  bool contains(const std::string& member) const {
    return ::zip_name_locate(zip_.get(), path(member).c_str(), 0) >= 0;
  }

  /// Whole content, its checksum verified. `most` bounds its size before anything is allocated.
  std::vector<std::byte> read(const std::string& member, uint64_t most) const {
    const auto fail = [&](const char* what) {
      file_.fail(fmt::format("member {} {}", printable(path(member)), what));
    };
    zip_stat_t info;
    ::zip_stat_init(&info);
    constexpr zip_uint64_t kNeeded =
        ZIP_STAT_INDEX | ZIP_STAT_SIZE | ZIP_STAT_COMP_METHOD | ZIP_STAT_ENCRYPTION_METHOD;
    if (::zip_stat(zip_.get(), path(member).c_str(), 0, &info) != 0 || (info.valid & kNeeded) != kNeeded)
      fail("is missing");
    if (info.encryption_method != ZIP_EM_NONE) fail("is encrypted");
    if (info.comp_method != ZIP_CM_STORE) fail("is compressed; PyTorch stores its members uncompressed");
    if (info.size > file_.size() || info.size > most) fail("is larger than it can be");
    std::unique_ptr<zip_file_t, decltype(&::zip_fclose)> in(::zip_fopen_index(zip_.get(), info.index, 0),
                                                            &::zip_fclose);
    if (!in) fail("cannot be read");
    std::vector<std::byte> bytes(info.size);
    std::byte extra;
    for (uint64_t done = 0; done < bytes.size();) {
      const zip_int64_t got = ::zip_fread(in.get(), bytes.data() + done, bytes.size() - done);
      if (got <= 0) fail("is truncated or corrupt");
      done += static_cast<uint64_t>(got);
    }
    if (::zip_fread(in.get(), &extra, 1) != 0)
      fail("is corrupt: its checksum does not match");  // checked at the end
    return bytes;
  }

 private:
  std::string path(const std::string& member) const { return folder_ + member; }

  /// All members live in one folder, named after the file as it was saved.
  void find_folder() {
    const zip_int64_t count = ::zip_get_num_entries(zip_.get(), 0);
    for (zip_int64_t i = 0; i < count; ++i) {
      const char* name = ::zip_get_name(zip_.get(), static_cast<zip_uint64_t>(i), ZIP_FL_ENC_RAW);
      const std::string_view text = name ? name : "";
      if (!text.ends_with("/data.pkl")) continue;
      folder_ = text.substr(0, text.size() - std::strlen("data.pkl"));
      return;
    }
    file_.fail("is a zip archive, but not a PyTorch checkpoint (it has no data.pkl)");
  }

  struct Discard {
    void operator()(zip_t* z) const { ::zip_discard(z); }
  };
  const InputFile& file_;
  std::unique_ptr<zip_t, Discard> zip_;
  std::string folder_;
};

std::string as_text(const std::vector<std::byte>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// The value of a text key in a dict, the last one if there are several; null if there is none.
const pickle::Object* lookup(const pickle::Document& doc, const pickle::Object& dict, std::string_view key) {
  const pickle::Object* found = nullptr;
  for (size_t i = 0; i + 1 < dict.items.size(); i += 2) {
    const pickle::Object& k = doc.at(dict.items[i]);
    if (k.kind == pickle::Kind::kText && k.text == key) found = &doc.at(dict.items[i + 1]);
  }
  return found;
}

const pickle::Object& find_state_dict(const pickle::Document& doc, const InputFile& file) {
  const pickle::Object& root = doc.at(doc.root);
  if (root.kind != pickle::Kind::kDict) file.fail("does not hold a dict of tensors");
  for (std::string_view key : kStateDictKeys) {
    const pickle::Object* inner = lookup(doc, root, key);
    if (inner && inner->kind == pickle::Kind::kDict) return *inner;
  }
  return root;
}

/// Turns strided views of storages into dense tensors.
class TensorLoader {
 public:
  TensorLoader(const Archive& archive, const pickle::Document& doc, const InputFile& file)
      : archive_(archive), doc_(doc), file_(file), budget_(kMaxExpansion * file.size()) {}

  HostTensor load(const std::string& name, const pickle::TensorView& view) {
    name_ = &name;
    const pickle::Storage& storage = doc_.storages[view.storage];
    const DType dtype = widened_type(storage.type);
    const auto bytes = byte_count(view.shape, dtype_size(dtype));
    if (!bytes) fail("has an impossible shape");
    spend(*bytes);
    read_storage(storage);
    if (*bytes > 0) check_view(view, storage);
    HostTensor tensor = make_tensor(dtype, view.shape);
    if (*bytes > 0) copy_dense(view, storage.type, tensor);
    return tensor;
  }

 private:
  [[noreturn]] void fail(const char* what) const {
    file_.fail(fmt::format("tensor '{}' {}", printable(*name_), what));
  }

  void spend(uint64_t bytes) {
    if (bytes > budget_) fail(fmt::format("unpacks to more than {} times the file", kMaxExpansion).c_str());
    budget_ -= bytes;
  }

  /// Consecutive tensors often share one; only the last is kept.
  void read_storage(const pickle::Storage& storage) {
    const auto bytes = byte_count(std::array{storage.count}, stored_size(storage.type));
    if (!bytes) fail("has a storage of impossible size");
    if (!cached_ || cached_->key != storage.key) {
      spend(*bytes);
      cached_ = nullptr;
      data_ = archive_.read("data/" + storage.key, *bytes);
      cached_ = &storage;
    }
    if (data_.size() != *bytes) fail("has a storage of another size than announced");
  }

  /// Every element the view reaches lies in the storage. (The view is not empty.)
  void check_view(const pickle::TensorView& view, const pickle::Storage& storage) const {
    int64_t last = view.offset;
    bool ok = view.offset >= 0;
    for (size_t d = 0; d < view.shape.size(); ++d) {
      int64_t reach = 0;
      ok = ok && view.stride[d] >= 0 && !__builtin_mul_overflow(view.shape[d] - 1, view.stride[d], &reach) &&
           !__builtin_add_overflow(last, reach, &last);
    }
    if (!ok || last >= storage.count) fail("reaches outside its storage");
  }

  /// Walks the view in C order: an odometer over all dimensions but the last, which is copied at once where
  /// its stride is 1.
  void copy_dense(const pickle::TensorView& view, StoredType type, HostTensor& tensor) const {
    const size_t from_size = stored_size(type), to_size = dtype_size(tensor.dtype);
    const size_t rank = view.shape.size();
    const int64_t row = rank ? view.shape.back() : 1;
    const int64_t step = rank ? view.stride.back() : 1;
    std::vector<int64_t> index(rank, 0);
    int64_t source = view.offset;
    std::byte* to = tensor.bytes.data();
    for (int64_t done = 0, count = tensor.count(); done < count; done += row) {
      const std::byte* from = data_.data() + static_cast<size_t>(source) * from_size;
      if (step == 1) {
        widen(type, from, static_cast<size_t>(row), to);
      } else {
        for (int64_t i = 0; i < row; ++i)
          widen(type, from + static_cast<size_t>(i * step) * from_size, 1,
                to + static_cast<size_t>(i) * to_size);
      }
      to += static_cast<size_t>(row) * to_size;
      for (size_t d = rank < 2 ? 0 : rank - 1; d-- > 0;) {  // advance all but the last dimension
        source += view.stride[d];
        if (++index[d] < view.shape[d]) break;
        source -= view.stride[d] * view.shape[d];
        index[d] = 0;
      }
    }
  }

  const Archive& archive_;
  const pickle::Document& doc_;
  const InputFile& file_;
  uint64_t budget_;
  const std::string* name_ = nullptr;
  const pickle::Storage* cached_ = nullptr;
  std::vector<std::byte> data_;  ///< content of *cached_
};

}  // namespace

TensorFile read_torch_checkpoint(const std::filesystem::path& path) {
  const InputFile file(path);
  const Archive archive(file);
  if (archive.contains("byteorder") && as_text(archive.read("byteorder", 16)) != "little")
    file.fail("was saved on a big-endian machine; only little-endian checkpoints are read");
  const std::string program = as_text(archive.read("data.pkl", kMaxPickle));
  pickle::Document doc;
  try {
    doc = pickle::parse(program);
  } catch (const InputError& e) {
    file.fail(e.what());
  }
  TensorFile result;
  TensorLoader loader(archive, doc, file);
  const pickle::Object& dict = find_state_dict(doc, file);
  for (size_t i = 0; i + 1 < dict.items.size(); i += 2) {
    const pickle::Object &key = doc.at(dict.items[i]), &value = doc.at(dict.items[i + 1]);
    if (key.kind != pickle::Kind::kText || value.kind != pickle::Kind::kTensor) continue;
    const auto index = static_cast<size_t>(value.integer);
    result.tensors.insert_or_assign(key.text, loader.load(key.text, doc.tensors[index]));
  }
  if (result.tensors.empty()) file.fail("holds no tensors");
  return result;
}

}  // namespace sramsim
