package org.simplepush.server.testing;

import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.simplepush.core.ChannelId;
import org.simplepush.core.ClientMessage;
import org.simplepush.core.MalformedMessageException;
import org.simplepush.core.MessageCodec;
import org.simplepush.core.ServerMessage;

/** A device that registers channels and leaves, so that there are endpoints to publish to. */
final class HouseDevice {
  /** As many as a user agent may have by default. */
  static final int MAX_CHANNELS = 1000;

  private HouseDevice() {}

  /**
   * Registers channels of a new user agent.
   *
   * @param count up to {@link #MAX_CHANNELS}
   */
  static List<URI> register(int port, int count) throws IOException {
    MessageCodec codec = new MessageCodec();
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
      socket.setTcpNoDelay(true);
      DataInputStream in = new DataInputStream(new BufferedInputStream(socket.getInputStream()));
      String handshake =
          "GET / HTTP/1.1\r\n"
              + ("Host: 127.0.0.1:" + port + "\r\n")
              + "Upgrade: websocket\r\n"
              + "Connection: Upgrade\r\n"
              + "Sec-WebSocket-Version: 13\r\n"
              + "Sec-WebSocket-Key: c2ltcGxlcHVzaCB0ZXN0cw==\r\n\r\n";
      socket.getOutputStream().write(handshake.getBytes(StandardCharsets.US_ASCII));
      HttpHead.read(in);
      say(socket, codec, new ClientMessage.Hello(null, List.of()));
      next(in, codec);
      List<URI> endpoints = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        say(socket, codec, new ClientMessage.Register(ChannelId.random()));
        endpoints.add(((ServerMessage.Register) next(in, codec)).endpoint());
      }
      return endpoints;
    }
  }

  private static void say(Socket socket, MessageCodec codec, ClientMessage message)
      throws IOException {
    socket.getOutputStream().write(Frame.text(codec.write(message)).bytes(true));
  }

  private static ServerMessage next(DataInputStream in, MessageCodec codec) throws IOException {
    Frame frame = Frame.read(in);
    if (frame == null || !frame.isText()) {
      throw new IOException("The real server ended the connection of the house's device");
    }
    try {
      return codec.readServerMessage(frame.text());
    } catch (MalformedMessageException e) {
      throw new IOException("The real server does not speak the protocol", e);
    }
  }
}
