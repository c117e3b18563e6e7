// A tool that NVTX loads into a program (NVTX_INJECTION64_PATH), as profilers do: writes the ranges that are
// opened, ">name" each, and closed, "<", line by line to the file that NVTX_RECORD names.
#include <nvtx3/nvToolsExt.h>

#include <cstdio>
#include <cstdlib>

namespace {

FILE* record() {
  static FILE* const file = std::fopen(std::getenv("NVTX_RECORD"), "w");
  return file;
}

int push(const char* name) {
  return std::fprintf(record(), ">%s\n", name);
}

int pop() {
  std::fprintf(record(), "<\n");
  return std::fflush(record());
}

}  // namespace

extern "C" int InitializeInjectionNvtx2(NvtxGetExportTableFunc_t export_table) {
  const auto* callbacks = static_cast<const NvtxExportTableCallbacks*>(export_table(NVTX_ETID_CALLBACKS));
  if (std::getenv("NVTX_RECORD") == nullptr || record() == nullptr) return 0;
  NvtxFunctionTable table = nullptr;
  unsigned size = 0;
  if (callbacks->GetModuleFunctionTable(NVTX_CB_MODULE_CORE, &table, &size) == 0) return 0;
  *table[NVTX_CBID_CORE_RangePushA] = reinterpret_cast<NvtxFunctionPointer>(push);
  *table[NVTX_CBID_CORE_RangePop] = reinterpret_cast<NvtxFunctionPointer>(pop);
  return 1;
}
