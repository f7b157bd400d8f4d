package org.simplepush.examples.quickstart;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The story of the quickstart is true. */
@Timeout(60)
class QuickstartTest {
  @Test
  void endsWithoutFailure() throws Exception {
    Quickstart.main(new String[0]);
  }

  @Test
  void endsWithoutFailureOnAFile(@TempDir Path folder) throws Exception {
    Quickstart.main(new String[] {"sqlite:" + folder.resolve("store.db")});
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"rocks:x", "redis:x", "sqlite:/no/such/folder/x.db", "redis://127.0.0.1:1"})
  void storeThatIsWrongIsOneSentence(String store) throws Exception {
    Process quickstart =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Dorg.slf4j.simpleLogger.defaultLogLevel=error",
                "-cp",
                System.getProperty("java.class.path"),
                Quickstart.class.getName(),
                store)
            .redirectErrorStream(true)
            .start();
    assertThat(quickstart.inputReader().lines()).singleElement().asString().contains(" ");
    assertThat(quickstart.waitFor()).isEqualTo(1);
  }
}
