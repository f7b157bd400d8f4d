package org.simplepush.core;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayOutputStream;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What holds for every message, tried with random ones; the seed is in the test's name. */
@Timeout(60)
class MessagePropertyTest {
  private static final String[] TOKENS = {
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "\"",
    "\\",
    "\\u0000",
    "\\ud800",
    "null",
    "true",
    "0",
    "-1",
    "1e9",
    "9223372036854775808",
    "\"\"",
    "{}",
    "[]",
    "\"messageType\"",
    "\"hello\"",
    "\"ack\"",
    "\"notification\"",
    "\"uaid\"",
    "\"channelID\"",
    "\"channelIDs\"",
    "\"updates\"",
    "\"version\"",
    "\"status\"",
    "307",
    "429",
    "\"redirect\"",
    "\"pushEndpoint\"",
    "\ud800",
    "\ufeff"
  };

  private final MessageCodec codec = new MessageCodec();

  @ParameterizedTest(name = "seed {0}")
  @ValueSource(longs = {1, 2, 3})
  void whatIsWrittenIsReadAgain(long seed) throws Exception {
    MessageSamples samples = new MessageSamples(seed);
    for (int i = 0; i < 5_000; i++) {
      ClientMessage said = samples.clientMessage();
      String text = codec.write(said);
      ClientMessage heard = codec.readClientMessage(text);
      assertEquals(said, heard);
      // Equal ids may be spelled differently; texts show the spelling.
      assertEquals(text, codec.write(heard));

      ServerMessage answered = samples.serverMessage();
      text = codec.write(answered);
      ServerMessage understood = codec.readServerMessage(text);
      assertEquals(answered, understood);
      assertEquals(text, codec.write(understood));
    }
  }

  @ParameterizedTest(name = "seed {0}")
  @ValueSource(longs = {1, 2, 3, 4})
  void mutatedMessagesAreReadOrRefusedButNeverBreakTheCodec(long seed) {
    Random random = new Random(seed);
    MessageSamples samples = new MessageSamples(seed);
    int readable = 0;
    for (int i = 0; i < 5_000; i++) {
      byte[] message = text(samples, random).getBytes(UTF_8);
      for (int mutations = 1 + random.nextInt(4); mutations > 0; mutations--) {
        message = mutated(message, random, samples);
      }
      String text = new String(message, UTF_8);
      try {
        if (CodecProperties.check(codec, text)) {
          readable++;
        }
      } catch (RuntimeException | Error e) {
        throw new AssertionError("message " + i + ": " + text, e);
      }
    }
    // A test that only ever makes rubbish would prove little.
    assertThat(readable).isGreaterThan(250);
  }

  private String text(MessageSamples samples, Random random) {
    return random.nextBoolean()
        ? codec.write(samples.clientMessage())
        : codec.write(samples.serverMessage());
  }

  private byte[] mutated(byte[] message, Random random, MessageSamples samples) {
    int from = random.nextInt(message.length + 1);
    int to = Math.min(message.length, from + random.nextInt(20));
    return switch (random.nextInt(6)) {
      case 0 -> { // flip one bit
        byte[] flipped = message.clone();
        if (flipped.length > 0) {
          flipped[random.nextInt(flipped.length)] ^= (byte) (1 << random.nextInt(8));
        }
        yield flipped;
      }
      case 1 -> joined(Arrays.copyOf(message, from), rest(message, to)); // cut a piece out
      case 2 -> joined(Arrays.copyOf(message, to), rest(message, from)); // repeat a piece
      case 3 -> { // put a random byte in
        byte[] any = {(byte) random.nextInt(256)};
        yield joined(Arrays.copyOf(message, from), any, rest(message, from));
      }
      case 4 -> { // put a token in
        byte[] token = TOKENS[random.nextInt(TOKENS.length)].getBytes(UTF_8);
        yield joined(Arrays.copyOf(message, from), token, rest(message, to));
      }
      default -> { // go on as another message
        byte[] other = text(samples, random).getBytes(UTF_8);
        yield joined(Arrays.copyOf(message, from), rest(other, random.nextInt(other.length)));
      }
    };
  }

  private static byte[] rest(byte[] message, int from) {
    return Arrays.copyOfRange(message, from, message.length);
  }

  private static byte[] joined(byte[]... parts) {
    ByteArrayOutputStream joined = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      joined.writeBytes(part);
    }
    return joined.toByteArray();
  }
}
