// sramsim sweep under mpirun: the rows of one process, with a rank that dies on the way. Only where the build
// has MPI.
#include "tests/cli/sweep_rows.h"

#ifdef SRAMSIM_MPIRUN

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

namespace sramsim::test {
namespace {

/// Process of rank `rank` that works in `folder`, or 0.
pid_t process_of(int rank, const fs::path& folder) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator("/proc", ignored)) {
    const fs::path cwd = fs::read_symlink(entry.path() / "cwd", ignored);
    if (ignored || cwd != fs::canonical(folder)) continue;
    const std::string environment = read_text(entry.path() / "environ");
    const std::string wanted = std::string(1, '\0') + "OMPI_COMM_WORLD_RANK=" + std::to_string(rank) + '\0';
    if (environment.find(wanted) != std::string::npos)
      return static_cast<pid_t>(std::stol(entry.path().filename()));
  }
  return 0;
}

size_t lines_of(const fs::path& file) {
  const std::string text = read_text(file);
  return static_cast<size_t>(std::count(text.begin(), text.end(), '\n'));
}

TEST(SweepRanks, GiveTheRowsOfOneProcess) {
  const TempFolder alone;
  ASSERT_EQ(sramsim(sweep(kGrid), alone.path()).exit_code, 0);
  const auto expected = rows_without_seconds(alone / "s.csv");
  // Every rank has its part of the cores, which the device column tells.
  const auto without_device = [](std::vector<std::string> rows) {
    for (std::string& row : rows)
      if (const size_t at = row.find("\"cpu ("); at != std::string::npos)
        row.erase(at, row.find('"', at + 1) - at);
    return rows;
  };
  for (const int ranks : {2, 3}) {
    const TempFolder folder;
    const CliResult r = sramsim_ranks(ranks, sweep(kGrid), folder.path());
    ASSERT_EQ(r.exit_code, 0) << r.err;
    EXPECT_EQ(without_device(rows_without_seconds(folder / "s.csv")), without_device(expected))
        << ranks << " ranks";
    EXPECT_EQ(folder.files(), alone.files());
  }

  const TempFolder folder;
  bool killed = false;
  const CliResult r = sramsim_ranks(3, sweep(kGrid + Arguments{"--limit", "200"}), folder.path(), [&] {
    for (int i = 0; i < 60'000 && lines_of(folder / "s.csv") < 2; ++i) ::usleep(1000);
    const pid_t worker = process_of(1, folder.path());
    killed = worker > 0 && ::kill(worker, SIGKILL) == 0;
  });
  ASSERT_TRUE(killed) << r.err;
  EXPECT_NE(r.exit_code, 0);
  const auto kept = rows_without_seconds(folder / "s.csv");
  EXPECT_GT(kept.size(), 1u);
  EXPECT_LT(kept.size(), expected.size());
  const CliResult resumed = sramsim_ranks(2, sweep(kGrid + Arguments{"--limit", "200"}), folder.path());
  ASSERT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_NE(resumed.err.find("are there already"), std::string::npos) << resumed.err;
  const TempFolder whole;
  ASSERT_EQ(sramsim(sweep(kGrid + Arguments{"--limit", "200"}), whole.path()).exit_code, 0);
  EXPECT_EQ(without_device(rows_without_seconds(folder / "s.csv")),
            without_device(rows_without_seconds(whole / "s.csv")));
}

TEST(SweepRanks, BadInputIsOneLine) {
  const TempFolder folder;
  const CliResult r = sramsim_ranks(2, sweep({"--adc-bits", "77"}), folder.path());
  EXPECT_NE(r.exit_code, 0);
  const size_t first = r.err.find("sramsim: --adc-bits '77'");
  EXPECT_NE(first, std::string::npos) << r.err;
  EXPECT_EQ(r.err.find("--adc-bits '77'", first + 20), std::string::npos) << r.err;
  EXPECT_TRUE(folder.files().empty());
}

}  // namespace
}  // namespace sramsim::test

#endif
