package org.simplepush.client.internal.net;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.random.RandomGenerator;
import okio.Buffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Frames are found in any bytes, however these are cut, just where OkHttp finds them. */
@Timeout(60)
class FrameWalkerTest {
  private static void append(
      ByteArrayOutputStream bytes, List<String> frames, RandomGenerator random) {
    int opcode = random.nextInt(16);
    boolean masked = random.nextInt(4) == 0;
    int length =
        switch (random.nextInt(4)) {
          case 0 -> 0;
          case 1 -> random.nextInt(126);
          case 2 -> random.nextInt(70_000);
          default -> 65_534 + random.nextInt(4);
        };
    Buffer frame = new Buffer();
    frame.writeByte(random.nextInt(16) << 4 | opcode);
    int form = random.nextInt(length < 126 ? 3 : length < 65_536 ? 2 : 1); // need not be shortest
    int mask = masked ? 0x80 : 0;
    switch (form) {
      case 0 -> frame.writeByte(mask | 127).writeLong(length);
      case 1 -> frame.writeByte(mask | 126).writeShort(length);
      default -> frame.writeByte(mask | length);
    }
    byte[] payload = new byte[length + (masked ? 4 : 0)];
    for (int i = 0; i < payload.length; i++) {
      payload[i] = (byte) random.nextInt();
    }
    frame.write(payload);
    bytes.writeBytes(frame.readByteArray());
    frames.add(opcode + " of " + length);
  }

  @Test
  void framesAreFoundHoweverTheyAreCut() throws IOException {
    for (int seed = 0; seed < 200; seed++) {
      RandomGenerator random = new Random(seed);
      ByteArrayOutputStream stream = new ByteArrayOutputStream();
      List<String> sent = new ArrayList<>();
      while (sent.size() < 20) {
        append(stream, sent, random);
      }
      List<String> found = new ArrayList<>();
      FrameWalker walker = new FrameWalker((opcode, length) -> found.add(opcode + " of " + length));
      byte[] bytes = stream.toByteArray();
      int at = 0;
      while (at < bytes.length) {
        int next = Math.min(bytes.length, at + random.nextInt(random.nextBoolean() ? 3 : 20_000));
        walker.walk(bytes, at, next);
        at = next;
      }
      assertThat(found).as("seed %d", seed).isEqualTo(sent);
    }
  }

  @Test
  void lengthIsTold() throws IOException {
    List<Long> lengths = new ArrayList<>();
    FrameWalker walker = new FrameWalker((opcode, length) -> lengths.add(length));
    byte[] header = {(byte) 0x81, 127, 127, -1, -1, -1, -1, -1, -1, -1, 7};
    walker.walk(header, 0, header.length);
    header[2] = -1;
    new FrameWalker((opcode, length) -> lengths.add(length)).walk(header, 0, header.length);
    assertThat(lengths).containsExactly(Long.MAX_VALUE, -1L);
  }
}
