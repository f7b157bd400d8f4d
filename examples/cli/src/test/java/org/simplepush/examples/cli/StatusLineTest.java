package org.simplepush.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class StatusLineTest {
  @Test
  void otherLinesTakeItsPlace() {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    PrintStream out = new PrintStream(bytes, true, StandardCharsets.UTF_8);
    StatusLine line = new StatusLine(out, () -> 8);
    line.clear();
    line.show("123456789");
    line.clear();
    line.clear();
    assertThat(bytes.toString(StandardCharsets.UTF_8)).isEqualTo("\r1234567\033[K\r\033[K");
  }

  @Test
  void widthIsThatOfTheEnvironmentIfItIsANumber() {
    assertThat(new TerminalWidth("123").getAsInt()).isEqualTo(123);
    assertThat(new TerminalWidth("wide").getAsInt()).isPositive();
    assertThat(new TerminalWidth(null).getAsInt()).isPositive();
  }
}
