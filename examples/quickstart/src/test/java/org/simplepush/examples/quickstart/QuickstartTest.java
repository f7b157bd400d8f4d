package org.simplepush.examples.quickstart;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

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
}
