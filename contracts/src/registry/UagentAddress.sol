// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice The transport address of a uAgents identity: `agent1…`, the Bech32 text (BIP-173) of its compressed
/// secp256k1 key.
library UagentAddress {
    bytes32 private constant ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    /// @dev The part before the separator, and what BIP-173 makes of it for the checksum.
    bytes private constant PREFIX = "agent1";
    uint256 private constant KEY_WORDS = 53;
    uint256 private constant CHECKSUM_WORDS = 6;

    /// @param x First half of the public key.
    /// @param y Second half; its parity leads the compressed form.
    function addressOf(bytes32 x, bytes32 y) internal pure returns (string memory) {
        bytes memory words = _words(x, uint256(y) & 1 == 1 ? 0x03 : 0x02);
        uint256 checksum = _checksum(words);
        bytes memory text = new bytes(PREFIX.length + KEY_WORDS + CHECKSUM_WORDS);
        for (uint256 i; i < PREFIX.length; ++i) text[i] = PREFIX[i];
        for (uint256 i; i < KEY_WORDS; ++i) text[PREFIX.length + i] = ALPHABET[uint8(words[i])];
        for (uint256 i; i < CHECKSUM_WORDS; ++i) {
            text[PREFIX.length + KEY_WORDS + i] = ALPHABET[(checksum >> (5 * (CHECKSUM_WORDS - 1 - i))) & 31];
        }
        return string(text);
    }

    /// @notice The Ethereum address of the same key.
    function signerOf(bytes32 x, bytes32 y) internal pure returns (address) {
        return address(uint160(uint256(keccak256(abi.encodePacked(x, y)))));
    }

    /// @dev 33 bytes as 53 words of five bits, the last padded with one zero bit.
    function _words(bytes32 x, uint256 head) private pure returns (bytes memory words) {
        words = new bytes(KEY_WORDS);
        (uint256 held, uint256 bits, uint256 place) = (head, 8, 0);
        for (uint256 i; i <= 32; ++i) {
            while (bits >= 5) {
                bits -= 5;
                words[place++] = bytes1(uint8((held >> bits) & 31));
            }
            if (i == 32) break;
            held = ((held << 8) | uint8(x[i])) & 0xfff;
            bits += 8;
        }
        words[place] = bytes1(uint8((held << (5 - bits)) & 31));
    }

    function _checksum(bytes memory words) private pure returns (uint256) {
        uint256 sum = 1;
        bytes memory human = "agent";
        for (uint256 i; i < human.length; ++i) sum = _step(sum, uint8(human[i]) >> 5);
        sum = _step(sum, 0);
        for (uint256 i; i < human.length; ++i) sum = _step(sum, uint8(human[i]) & 31);
        for (uint256 i; i < words.length; ++i) sum = _step(sum, uint8(words[i]));
        for (uint256 i; i < CHECKSUM_WORDS; ++i) sum = _step(sum, 0);
        // exclusive or with BIP-173's constant, not a power
        // slither-disable-next-line incorrect-exp
        return sum ^ 1;
    }

    /// @dev One step of BIP-173's polynomial.
    function _step(uint256 sum, uint256 value) private pure returns (uint256 next) {
        uint256 top = sum >> 25;
        next = ((sum & 0x1ffffff) << 5) ^ value;
        if (top & 1 != 0) next ^= 0x3b6a57b2;
        if (top & 2 != 0) next ^= 0x26508e6d;
        if (top & 4 != 0) next ^= 0x1ea119fa;
        if (top & 8 != 0) next ^= 0x3d4233dd;
        if (top & 16 != 0) next ^= 0x2a1462b3;
    }
}
