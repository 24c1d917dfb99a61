#include "backends/reference/naive.h"

namespace triptych::reference {
namespace {

void copy_block(View x, std::int64_t x_offset, std::int64_t x_stride, View y, std::int64_t y_offset,
                std::int64_t y_stride, std::int64_t rows, std::int64_t width) {
  dispatch(y.dtype, [&]<class T>(T) {
    for (std::int64_t i = 0; i < rows; ++i)
      for (std::int64_t j = 0; j < width; ++j)
        y.as<T>()[y_offset + i * y_stride + j] = x.as<T>()[x_offset + i * x_stride + j];
  });
}

void transpose(View x, View y, std::int64_t batch, std::int64_t rows, std::int64_t cols) {
  dispatch(y.dtype, [&]<class T>(T) {
    for (std::int64_t b = 0; b < batch; ++b)
      for (std::int64_t i = 0; i < rows; ++i)
        for (std::int64_t j = 0; j < cols; ++j)
          y.as<T>()[(b * cols + j) * rows + i] = x.as<T>()[(b * rows + i) * cols + j];
  });
}

void gather(View x, View index, View y, std::int64_t count, std::int64_t width) {
  dispatch(y.dtype, [&]<class T>(T) {
    for (std::int64_t i = 0; i < count; ++i) {
      const std::int64_t from = index.as<std::int32_t>()[i];
      for (std::int64_t j = 0; j < width; ++j) y.as<T>()[i * width + j] = from < 0 ? T{0} : x.as<T>()[from * width + j];
    }
  });
}

void gather_backward(View dy, View index, View dx, std::int64_t count, std::int64_t rows, std::int64_t width) {
  dispatch(dx.dtype, [&]<class T>(T) {
    for (std::int64_t i = 0; i < rows * width; ++i) dx.as<T>()[i] = 0;
    for (std::int64_t i = 0; i < count; ++i) {
      const std::int64_t to = index.as<std::int32_t>()[i];
      for (std::int64_t j = 0; to >= 0 && j < width; ++j) dx.as<T>()[to * width + j] += dy.as<T>()[i * width + j];
    }
  });
}

void embedding_bag(View table, View index, View offset, View y, std::int64_t bags, std::int64_t width) {
  dispatch(y.dtype, [&]<class T>(T) {
    for (std::int64_t b = 0; b < bags; ++b) {
      const std::int64_t begin = offset.as<std::int32_t>()[b], end = offset.as<std::int32_t>()[b + 1];
      for (std::int64_t j = 0; j < width; ++j) {
        double s = 0;
        for (std::int64_t i = begin; i < end; ++i) s += table.as<T>()[index.as<std::int32_t>()[i] * width + j];
        y.as<T>()[b * width + j] = begin == end ? T{0} : static_cast<T>(s / static_cast<double>(end - begin));
      }
    }
  });
}

void embedding_bag_backward(View dy, View index, View offset, View dtable, std::int64_t bags, std::int64_t rows,
                            std::int64_t width) {
  dispatch(dy.dtype, [&]<class T>(T) {
    for (std::int64_t i = 0; i < rows * width; ++i) dtable.as<T>()[i] = 0;
    for (std::int64_t b = 0; b < bags; ++b) {
      const std::int64_t begin = offset.as<std::int32_t>()[b], end = offset.as<std::int32_t>()[b + 1];
      for (std::int64_t i = begin; i < end; ++i)
        for (std::int64_t j = 0; j < width; ++j)
          dtable.as<T>()[index.as<std::int32_t>()[i] * width + j] +=
              dy.as<T>()[b * width + j] / TRIPTYCH_FACTOR("embedding_bag.count", static_cast<T>(end - begin));
    }
  });
}

void scale_rows(View x, View s, View y, std::int64_t rows, std::int64_t cols) {
  dispatch(y.dtype, [&]<class T>(T) {
    for (std::int64_t i = 0; i < rows; ++i)
      for (std::int64_t j = 0; j < cols; ++j) y.as<T>()[i * cols + j] = x.as<T>()[i * cols + j] * s.as<T>()[i];
  });
}

}  // namespace

void add_layout(Kernels& k) {
  k.copy_block = copy_block;
  k.transpose = transpose;
  k.gather = gather;
  k.gather_backward = gather_backward;
  k.embedding_bag = embedding_bag;
  k.embedding_bag_backward = embedding_bag_backward;
  k.scale_rows = scale_rows;
}

}  // namespace triptych::reference
