package org.simplepush.examples.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(10)
class ResultsTest {
  private static final String BEGIN = "<!-- results: written by the benchmarks -->\n";
  private static final String END = "<!-- end of results -->\n";

  @TempDir private Path folder;

  @Test
  void onlyWhatIsBetweenTheMarksIsReplaced() throws Exception {
    Path file = folder.resolve("README.md");
    Files.writeString(file, "before\n" + BEGIN + "old\n" + END + "after\n");

    Results.write(file, "new\n");

    assertThat(file).hasContent("before\n" + BEGIN + "new\n" + END + "after\n");
  }

  @Test
  void aFileWithoutMarksIsLeftAlone() throws Exception {
    Path file = folder.resolve("README.md");
    Files.writeString(file, "text\n");

    assertThatThrownBy(() -> Results.write(file, "new\n"))
        .isInstanceOf(LoadException.class)
        .hasMessageContaining(BEGIN.strip());
    assertThat(file).hasContent("text\n");
  }
}
