package org.simplepush.server;

import java.util.List;
import org.java_websocket.WebSocketImpl;
import org.java_websocket.drafts.Draft;
import org.java_websocket.drafts.Draft_6455;
import org.java_websocket.enums.Role;
import org.java_websocket.exceptions.InvalidDataException;
import org.java_websocket.exceptions.InvalidHandshakeException;
import org.java_websocket.framing.CloseFrame;
import org.java_websocket.framing.Framedata;
import org.java_websocket.handshake.ClientHandshake;
import org.java_websocket.handshake.HandshakeBuilder;
import org.java_websocket.handshake.ServerHandshakeBuilder;
import org.java_websocket.protocols.IProtocol;
import org.java_websocket.protocols.Protocol;
import org.jspecify.annotations.Nullable;
import org.simplepush.core.MessageCodec;

/**
 * RFC 6455 as the engine knows it, without extensions, with the subprotocol of this protocol or
 * none, and without an error log of what strangers send.
 */
final class PushDraft extends Draft_6455 {
  /** The first that the request offers is chosen; the empty one stands for offering none. */
  private static final List<IProtocol> PROTOCOLS =
      List.of(new Protocol(MessageCodec.SUBPROTOCOL), new Protocol(""));

  private static final String SUBPROTOCOL_HEADER = "Sec-WebSocket-Protocol";

  private final int maxMessageLength;
  private @Nullable InvalidDataException violation;

  PushDraft(int maxMessageLength) {
    super(List.of(), PROTOCOLS, maxMessageLength);
    this.maxMessageLength = maxMessageLength;
    setParseMode(Role.SERVER);
  }

  @Override
  public Draft copyInstance() {
    return new PushDraft(maxMessageLength);
  }

  /** Returns what was wrong with the frames read last, or null. */
  @Nullable InvalidDataException violation() {
    return violation;
  }

  @Override
  public List<Framedata> translateFrame(java.nio.ByteBuffer buffer) {
    try {
      return super.translateFrame(buffer);
    } catch (InvalidDataException e) {
      violation = e;
      return List.of();
    } catch (NullPointerException e) {
      // What version 1.6.0 makes of a close frame whose reason is not UTF-8.
      violation = new InvalidDataException(CloseFrame.NO_UTF8, e);
      return List.of();
    }
  }

  @Override
  public void processFrame(WebSocketImpl webSocket, Framedata frame) {
    if (violation != null) {
      return; // nothing counts that came after it, even in the same segment
    }
    try {
      super.processFrame(webSocket, frame);
    } catch (InvalidDataException e) {
      violation = e;
    }
  }

  @Override
  public HandshakeBuilder postProcessHandshakeResponseAsServer(
      ClientHandshake request, ServerHandshakeBuilder response) throws InvalidHandshakeException {
    HandshakeBuilder handshake = super.postProcessHandshakeResponseAsServer(request, response);
    handshake.put("Connection", "Upgrade"); // the engine would echo what the client sent
    if (request.hasFieldValue(SUBPROTOCOL_HEADER)) {
      // It is among those offered (UpgradeRequest), but the engine looks at the first header only.
      handshake.put(SUBPROTOCOL_HEADER, MessageCodec.SUBPROTOCOL);
    }
    handshake.put("Server", "SimplePush");
    return handshake;
  }
}
