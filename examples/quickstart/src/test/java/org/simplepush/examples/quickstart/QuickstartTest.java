package org.simplepush.examples.quickstart;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The story of the quickstart is true. */
@Timeout(60)
class QuickstartTest {
  @Test
  void endsWithoutFailure() throws Exception {
    Quickstart.main(new String[0]);
  }
}
