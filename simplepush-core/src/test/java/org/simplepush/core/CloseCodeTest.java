package org.simplepush.core;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(20)
class CloseCodeTest {
  @Test
  void codesAreThoseOfTheProtocol() {
    assertThat(Arrays.stream(CloseCode.values()).map(CloseCode::code))
        .containsExactly(1000, 1001, 1002, 1003, 1007, 1008, 1009, 1011, 1013, 4774);
  }
}
