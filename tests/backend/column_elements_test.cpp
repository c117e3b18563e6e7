// Gradients as matrix products over columns, multiplied here by plain loops: against the CPU's backward
// convolution.
#include "kernels/conv_backward/column_elements.h"

#include <gtest/gtest.h>

#include <cmath>

#include "kernels/backend/backend.h"
#include "kernels/elementwise/elements.h"
#include "tests/layers/random_data.h"

namespace sramsim {
namespace {

template <typename Op>
void run(const Op& op) {
  for (size_t call = op.calls(); call-- > 0;) op(call);
}

void expect_close(const std::vector<float>& got, const std::vector<float>& want) {
  float top = 0, off = 0;
  for (size_t i = 0; i < want.size(); ++i) {
    top = std::max(top, std::fabs(want[i]));
    off = std::max(off, std::fabs(got[i] - want[i]));
  }
  EXPECT_LT(off, 1e-5f * top);
}

TEST(Columns, ProductsAreTheGradients) {
  const auto cpu = make_cpu_backend(1);
  for (const ConvShape& s :
       {ConvShape{.c = 3, .h = 7, .w = 6, .o = 5, .kh = 3, .kw = 2},
        ConvShape{.c = 2, .h = 6, .w = 7, .o = 4, .kh = 3, .kw = 3, .stride = 2, .padding = 1},
        ConvShape{.c = 4, .h = 9, .w = 8, .o = 3, .kh = 2, .kw = 2, .stride = 3, .padding = 2},
        ConvShape{.c = 30, .o = 10}}) {
    test::Draw draw(3);
    const int n = 3, rows = s.rows();
    const auto pixels = static_cast<size_t>(n * s.out_h() * s.out_w());
    const auto q = draw.activation_codes(static_cast<size_t>(n * s.inputs()), 15);
    const auto codes = draw.weight_codes(static_cast<size_t>(s.weights()), 7);
    const auto dy = draw.floats(pixels * static_cast<size_t>(s.o), -1, 1);
    const float alpha = 2.1f, weight_scale = 11.0f;

    std::vector<float> w(codes.size()), columns(pixels * static_cast<size_t>(rows)), dx(q.size()),
        dw(codes.size());
    run(elements::RealWeights{codes.data(), codes.size(), &weight_scale, w.data()});
    run(elements::ImageToColumns{elements::ColumnShape(s), n, q.data(), &alpha, 4, columns.data()});
    for (size_t p = 0; p < pixels; ++p)
      for (int o = 0; o < s.o; ++o)
        for (int r = 0; r < rows; ++r)
          dw[static_cast<size_t>(o * rows + r)] +=
              dy[p * static_cast<size_t>(s.o) + static_cast<size_t>(o)] *
              columns[p * static_cast<size_t>(rows) + static_cast<size_t>(r)];
    for (size_t p = 0; p < pixels; ++p)
      for (int r = 0; r < rows; ++r) {
        float sum = 0;
        for (int o = 0; o < s.o; ++o)
          sum += dy[p * static_cast<size_t>(s.o) + static_cast<size_t>(o)] *
                 w[static_cast<size_t>(o * rows + r)];
        columns[p * static_cast<size_t>(rows) + static_cast<size_t>(r)] = sum;
      }
    run(elements::ColumnsToImage{elements::ColumnShape(s), n, columns.data(), dx.data()});

    std::vector<float> want_dx(dx.size()), want_dw(dw.size()), want_dbias(static_cast<size_t>(s.o));
    cpu->quant_conv_backward({.shape = s,
                              .n = n,
                              .q = q.data(),
                              .codes = codes.data(),
                              .act_alpha = &alpha,
                              .act_bits = 4,
                              .weight_bits = 4,
                              .weight_scale = &weight_scale,
                              .backward = ConvBackward::kDirect},
                             dy.data(), want_dx.data(), want_dw.data(), want_dbias.data());
    expect_close(dx, want_dx);
    expect_close(dw, want_dw);

    std::vector<float> dbias(static_cast<size_t>(s.o));
    elements::PartialColumnSums sums{dy.data(), static_cast<int64_t>(pixels), s.o, nullptr};
    std::vector<double> partial(sums.calls());
    sums.partial = partial.data();
    run(sums);
    run(elements::AddColumnSums{partial.data(), sums.runs(), s.o, dbias.data()});
    EXPECT_EQ(dbias, want_dbias);  // few rows: the CPU's order
  }
}

TEST(Columns, SumsOfManyRowsRunInPieces) {
  const int64_t rows = 3 * elements::PartialColumnSums::kRun + 5;
  test::Draw draw(9);
  const auto x = draw.floats(static_cast<size_t>(rows) * 3, -1, 1);
  elements::PartialColumnSums sums{x.data(), rows, 3, nullptr};
  std::vector<double> partial(sums.calls());
  sums.partial = partial.data();
  std::vector<float> got(3);
  run(sums);
  run(elements::AddColumnSums{partial.data(), sums.runs(), 3, got.data()});
  for (size_t c = 0; c < 3; ++c) {
    double want = 0;
    for (size_t r = 0; r < static_cast<size_t>(rows); ++r) want += static_cast<double>(x[r * 3 + c]);
    EXPECT_FLOAT_EQ(got[c], static_cast<float>(want));
  }
}

}  // namespace
}  // namespace sramsim
