#include "host/formats/tensor_file.h"

#include "host/formats/input_file.h"

namespace sramsim {

TensorFile read_tensor_file(const std::filesystem::path& path) {
  using namespace std::string_view_literals;
  std::string head;
  {
    const InputFile file(path);
    head = file.head(16);
    if (head.empty()) file.fail("is empty");
    // torch.save before PyTorch 1.6: a pickle whose first object is this 10-byte magic number.
    if (head.size() > 4 && head[0] == '\x80' &&
        std::string_view(head).substr(2).starts_with("\x8a\x0al\xfc\x9c"sv))
      file.fail(
          "is in PyTorch's legacy (pre-1.6) format; load it and torch.save it again to get a zip checkpoint");
    if (head.starts_with("\x93NUMPY"sv)) file.fail("is a NumPy array, not a checkpoint");
    if (head.starts_with("\x1f\x8b"sv)) file.fail("is gzipped; decompress it first");
  }
  return head.starts_with("PK"sv) ? read_torch_checkpoint(path) : read_safetensors(path);
}

}  // namespace sramsim
