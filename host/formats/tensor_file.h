// Named tensors with string metadata: safetensors (read and write) and PyTorch zip checkpoints (read).
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "host/formats/npy.h"

namespace sramsim {

struct TensorFile {
  std::map<std::string, HostTensor> tensors;
  std::map<std::string, std::string> metadata;  ///< safetensors' __metadata__
};

TensorFile read_safetensors(const std::filesystem::path& path);
/// Atomic: written to a temporary file in the same folder, flushed to disk, renamed. RunError on failure.
void write_safetensors(const std::filesystem::path& path, const TensorFile& file);

/// PyTorch's zip format. The pickle inside is read by an interpreter that knows only what a state dict needs
/// (dicts, tuples, numbers, strings, tensors in storages of this archive) and never calls anything; nested
/// dicts are flattened at "state_dict"/"model"/... so that names are the module's. InputError names what it
/// met instead.
TensorFile read_torch_checkpoint(const std::filesystem::path& path);

/// By content, not by name: a zip archive is PyTorch's, anything else must be safetensors.
TensorFile read_tensor_file(const std::filesystem::path& path);

}  // namespace sramsim
